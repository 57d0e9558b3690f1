import { type Chart, defineDiagnosis } from 'dbdoctor'

const faults = [
  'storage/pages#index-damaged',
  'integrity/foreign-keys#index-disagrees',
  'integrity/orphaned-rows#index-disagrees',
  'integrity/foreign-keys#key-index-disagrees',
  'integrity/orphaned-rows#key-index-disagrees',
]

/** Where a table's own pages are damaged, or the file is cut short, what its indexes lack is lost with them: to rebuild them mends nothing. */
const losses = ['connection/opens#truncated', 'storage/pages#truncated', 'storage/pages#page-damaged']
const hasLost = (chart: Chart, table: unknown) =>
  chart.findings(...losses).some(({ address, evidence }) => address.endsWith('#truncated') || evidence.table === table)

export default defineDiagnosis({
  id: 'index-corrupt',
  headline: (chart) => `An index does not agree with its table: ${chart.message(...faults)}.`,
  when: (chart) =>
    chart.findings(...faults).some(({ evidence }) => !hasLost(chart, evidence.table)) && chart.foundAny(...faults),
  // A planner that needs the index can't read its table either, nor what is compared with it.
  explains: ({ address, evidence }, found) =>
    address.endsWith('#unreadable') &&
    found.some(
      (one) =>
        one.evidence.table === evidence.table || (evidence.text !== undefined && one.evidence.text === evidence.text),
    ),
  next: [
    'Take a copy of the database before anything is rebuilt, and look for the cause: storage, collations, a restore.',
    'Rebuild the index on a copy first: reindex index concurrently on PostgreSQL, REINDEX on SQLite.',
  ],
})
