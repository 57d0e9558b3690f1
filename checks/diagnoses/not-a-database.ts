import { defineDiagnosis, isServerAtALoss } from 'dbdoctor'

const faults = [
  'connection/opens#not-a-database',
  'connection/opens#not-a-file',
  'connection/opens#empty',
  'connection/opens#encrypted',
]

export default defineDiagnosis({
  id: 'not-a-database',
  headline: (chart) => `The database could not be opened: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  explains: isServerAtALoss,
  next: ['Run dbdoctor check again.'],
})
