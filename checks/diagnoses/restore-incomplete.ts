import { type Chart, defineDiagnosis } from 'dbdoctor'

/** Fewer than expected: more are no sign of a restore that stopped. */
const short = ({ facts }: Chart, name: string) => (facts[name] ?? 0) < (facts[`${name}.expected`] ?? 0)
const objects = [
  'schema/tables#missing',
  'schema/tables#count-differs',
  'schema/indexes#missing',
  'schema/indexes#count-differs',
]
const rows = ['integrity/row-counts#too-few', 'integrity/foreign-keys#dangling']

export default defineDiagnosis({
  id: 'restore-incomplete',
  headline: (chart) =>
    `The database opens, but looks like a restore that stopped half-way: ${chart.message(...objects)}, and ${chart.message(...rows)}.`,
  when: (chart) =>
    (short(chart, 'schema.tables') || short(chart, 'schema.indexes')) &&
    chart.foundAny(...rows) &&
    chart.foundAny(...objects),
  next: [
    'Read the output of the restore: it names the first error (pg_restore --exit-on-error stops there).',
    'Restore again into an empty database, and run dbdoctor check there before the application is let in.',
  ],
})
