import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'external-as-expected',
  headline: 'External services behave as the config expects.',
  // Where all is well there is nothing to be told apart from it.
  when: (chart) => !chart.quiet() && chart.foundAny('external/services#as-expected'),
  next: [],
})
