import { defineDiagnosis, isServerAtALoss } from 'dbdoctor'

const faults = ['connection/opens#refused', 'connection/opens#stale-socket', 'connection/opens#no-socket']

export default defineDiagnosis({
  id: 'database-not-running',
  headline: (chart) => `The database could not be opened: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  explains: isServerAtALoss,
  next: ['Run dbdoctor check again.'],
})
