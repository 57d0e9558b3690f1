import { defineDiagnosis, isServerFault } from 'dbdoctor'

export default defineDiagnosis({
  id: 'database-unreachable',
  headline: (chart) => `The database could not be opened: ${chart.errors('connection')[0]?.message}.`,
  when: (chart) => chart.failed('connection'),
  explains: isServerFault,
  next: ['Run dbdoctor check again.'],
})
