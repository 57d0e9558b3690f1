import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'external-unexpected',
  headline: (chart) => chart.sentence('external/services#unexpected'),
  when: (chart) => chart.found('external/services#unexpected'),
  next: ['Look at the service, or at what the config expects of it.'],
})
