import { defineDiagnosis, isServerFault } from 'dbdoctor'

const faults = ['activity/locks#exclusive', 'activity/locks#blocking', 'activity/locks#prepared-transaction']

export default defineDiagnosis({
  id: 'blocked-by-a-lock',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  // A server that waits for a lock answers late, or not at all.
  explains: (finding) => isServerFault(finding) || finding.address === 'server/reachable#silent',
  next: ['Run dbdoctor check again once it is gone: what was locked could not be examined.'],
})
