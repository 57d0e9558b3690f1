import { defineDiagnosis, isServerFault } from 'dbdoctor'

const faults = ['connection/opens#password-rejected', 'connection/opens#no-password']

export default defineDiagnosis({
  id: 'wrong-database-password',
  headline: (chart) => `The database could not be opened: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  explains: isServerFault,
  next: ['Run dbdoctor check again.'],
})
