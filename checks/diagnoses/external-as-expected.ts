import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'external-as-expected',
  headline: 'External services behave as the config expects.',
  when: (chart) => chart.foundAny('external/services#as-expected'),
  next: [],
})
