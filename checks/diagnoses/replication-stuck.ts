import { defineDiagnosis } from 'dbdoctor'

const faults = [
  'activity/replication#commits-wait',
  'activity/replication#slot-lost',
  'activity/replication#slot-forgotten',
  'activity/replication#not-receiving',
  'activity/replication#replay-paused',
  'activity/replication#standby-behind',
  'activity/replication#replay-behind',
  'activity/replication#subscription-stopped',
  'activity/replication#copy-stopped',
  'activity/replication#updates-refused',
]

export default defineDiagnosis({
  id: 'replication-stuck',
  headline: (chart) => `The database is up, and its replication is not well: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  // A server whose commits wait for a standby answers late, or not at all.
  explains: ({ address }, found) =>
    found.some((one) => one.address.endsWith('#commits-wait')) &&
    /^(server|auth)\/.*#(silent|\S*unanswered)$/.test(address),
  next: ['Run dbdoctor check against the other server too: each sees its own half.'],
})
