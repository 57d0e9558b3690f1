import { defineDiagnosis } from 'dbdoctor'

const changed = ['storage/collations#out-of-order', 'storage/collations#changed']
const includes = (names: unknown, name: unknown) => Array.isArray(names) && names.includes(name)
/** As the check names it: with its schema, unless that is the usual one. */
const nameOf = ({ schema, index }: { [key: string]: unknown }) => (schema === 'public' ? index : `${schema}.${index}`)

export default defineDiagnosis({
  id: 'collation-changed',
  headline: (chart) => chart.sentence(...changed),
  when: (chart) => chart.foundAny(...changed),
  // Only what is ordered by the collation can be out of order because of it.
  explains: ({ address, evidence }, found) =>
    found.some(
      ({ evidence: { indexes, tables } }) =>
        (address === 'storage/pages#index-damaged' && includes(indexes, nameOf(evidence))) ||
        (address.endsWith('#index-disagrees') && includes(tables, evidence.parent)) ||
        (address === 'integrity/constraints#duplicate' && includes(tables, evidence.table)),
    ),
  next: ['Rebuild the indexes before anything is written: a unique index out of order lets duplicates in.'],
})
