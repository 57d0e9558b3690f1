import { defineDiagnosis } from 'dbdoctor'

const faults = [
  'connection/restarts#hot-journal',
  'connection/restarts#wal-broken',
  'connection/restarts#wal-left-behind',
]

export default defineDiagnosis({
  id: 'writer-interrupted',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  next: [],
})
