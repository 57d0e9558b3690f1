import { defineDiagnosis, isServerAtALoss } from 'dbdoctor'

export default defineDiagnosis({
  id: 'database-locked',
  headline: (chart) => `The database could not be opened: ${chart.message('connection/opens#locked')}.`,
  when: (chart) => chart.found('connection/opens#locked'),
  // A server that waits for its database is silent with it.
  explains: (finding) => isServerAtALoss(finding) || finding.address === 'server/reachable#silent',
  next: ['Run dbdoctor check again.'],
})
