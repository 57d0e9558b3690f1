import { defineDiagnosis } from 'dbdoctor'

const faults = ['storage/catalog#dangling', 'storage/catalog#columns-differ']

export default defineDiagnosis({
  id: 'catalog-corrupt',
  headline: (chart) => `The system catalog is damaged: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  // What the catalog has lost, nobody finds.
  explains: ({ address }) => /^(schema|integrity)\//.test(address),
  next: [
    'Do not mend the catalog by hand; find out what damaged it: a disk, a crash without fsync, a statement of a superuser.',
  ],
})
