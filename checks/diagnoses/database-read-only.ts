import { defineDiagnosis, isServerFault } from 'dbdoctor'

const faults = ['connection/opens#read-only', 'activity/replication#application-on-standby']

export default defineDiagnosis({
  id: 'database-read-only',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  // A sign-in writes: a session, a time, a counter.
  explains: (finding) => isServerFault(finding) || finding.address === 'integrity/writes#read-only',
  next: ['Run dbdoctor check again.'],
})
