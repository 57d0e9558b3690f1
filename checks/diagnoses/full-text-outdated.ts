import { defineDiagnosis } from 'dbdoctor'

const faults = ['integrity/full-text#rows-gone', 'integrity/full-text#content-gone', 'integrity/full-text#empty']

export default defineDiagnosis({
  id: 'full-text-outdated',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  // SQLite compares an FTS4 index with the rows that it finds, and calls what differs malformed.
  explains: ({ address, evidence }, found) =>
    address === 'storage/pages#index-damaged' && found.some((one) => one.evidence.table === evidence.table),
  next: [],
})
