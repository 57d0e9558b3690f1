import { defineDiagnosis, isServerAtALoss } from 'dbdoctor'

const faults = ['connection/opens#silent', 'connection/opens#mute']

export default defineDiagnosis({
  id: 'database-hanging',
  headline: (chart) => `The database could not be opened: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  // A server that waits for its database is silent with it.
  explains: (finding) => isServerAtALoss(finding) || finding.address === 'server/reachable#silent',
  next: ['Run dbdoctor check again.'],
})
