import { defineDiagnosis } from 'dbdoctor'

const faults = ['connection/opens#silent', 'connection/opens#mute']

export default defineDiagnosis({
  id: 'database-hanging',
  headline: (chart) => `The database could not be opened: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  next: ['Run dbdoctor check again.'],
})
