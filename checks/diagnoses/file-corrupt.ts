import { defineDiagnosis } from 'dbdoctor'

const faults = [
  'connection/opens#truncated',
  'connection/opens#damaged',
  'storage/pages#truncated',
  'storage/pages#page-damaged',
  'storage/checksums#failed',
  'schema/tables#catalog-unreadable',
  'schema/tables#unreadable',
  'integrity/foreign-keys#unreadable',
  'integrity/constraints#unreadable',
]

export default defineDiagnosis({
  id: 'file-corrupt',
  headline: (chart) => `The database is damaged: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  // What a damaged table makes unreadable, what points at rows that its pages have lost, and what disagrees with those that are left.
  explains: ({ address, evidence }, found) =>
    address.endsWith('#unreadable') ||
    (found.some(
      (one) =>
        one.address.endsWith('#truncated') ||
        one.evidence.table === (/#(dangling|orphaned|parent-empty)$/.test(address) ? evidence.parent : evidence.table),
    ) &&
      /^(storage|integrity)\//.test(address)),
  next: ['Look for the cause before anything is written again: the disk, its controller, a copy that was cut short.'],
})
