import { type Chart, defineDiagnosis } from 'dbdoctor'

/** A restore makes indexes last: where it stopped, not one is there that is made by itself. */
const withoutIndexes = ({ facts }: Chart) =>
  facts['schema.indexes.plain'] === 0 && (facts['schema.indexes'] ?? 0) < (facts['schema.indexes.expected'] ?? 0)
const objects = [
  'schema/tables#missing',
  'schema/tables#schema-missing',
  'schema/tables#count-differs',
  'schema/indexes#missing',
  'schema/indexes#count-differs',
]
const rows = ['integrity/row-counts#too-few', 'integrity/foreign-keys#dangling']

export default defineDiagnosis({
  id: 'restore-incomplete',
  headline: (chart) => {
    const seen = [chart.message('schema/indexes#none-at-all') || chart.message(...objects), chart.message(...rows)]
    return `The database opens, but looks like a restore that stopped half-way: ${seen.filter(Boolean).join(', and ')}.`
  },
  when: (chart) =>
    chart.found('schema/indexes#none-at-all') ||
    (withoutIndexes(chart) && chart.foundAny(...rows) && chart.foundAny(...objects)),
  explains: ['integrity/orphaned-rows#parent-empty'],
  next: [
    'Read the output of the restore: it names the first error (pg_restore --exit-on-error stops there).',
    'Restore again into an empty database, and run dbdoctor check there before the application is let in.',
  ],
})
