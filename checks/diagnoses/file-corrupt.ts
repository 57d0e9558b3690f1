import { defineDiagnosis, type Finding } from 'dbdoctor'

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

/** Whether a finding is of a table that another one calls damaged, or of any where the file was cut short. */
function isOf(damage: Finding, address: string, { table, parent }: Finding['evidence']): boolean {
  const about = /#(dangling|orphaned|parent-empty)$/.test(address) ? parent : table
  return damage.address.endsWith('#truncated') || (about !== undefined && damage.evidence.table === about)
}

export default defineDiagnosis({
  id: 'file-corrupt',
  headline: (chart) => `The database is damaged: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  // What a damaged table makes unreadable, what points at rows that its pages have lost, and what disagrees with those that are left.
  explains: ({ address, evidence }, found) =>
    address.endsWith('#unreadable') ||
    (/^(storage|integrity)\//.test(address) && found.some((damage) => isOf(damage, address, evidence))),
  next: ['Look for the cause before anything is written again: the disk, its controller, a copy that was cut short.'],
})
