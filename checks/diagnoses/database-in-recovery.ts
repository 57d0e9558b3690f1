import { defineDiagnosis, isServerAtALoss } from 'dbdoctor'

const faults = ['connection/opens#recovering', 'connection/opens#not-consistent']

export default defineDiagnosis({
  id: 'database-in-recovery',
  headline: (chart) => `The database could not be opened: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  explains: isServerAtALoss,
  next: [],
})
