import { type Chart, defineDiagnosis, missingNamed } from 'dbdoctor'

/** What is missing by name, or the first of what else is wrong. */
function named(chart: Chart): string | undefined {
  for (const [address, noun] of [
    ['schema/tables#schema-missing', 'schema'],
    ['schema/tables#missing', 'table'],
    ['schema/indexes#missing', 'index'],
  ] as const) {
    const names = chart.findings(address).map(({ evidence }) => String(evidence[noun]))
    if (names.length > 0) return missingNamed(noun, names)
  }
  return chart.errors('schema')[0]?.message
}

export default defineDiagnosis({
  id: 'schema-incomplete',
  headline: (chart) => `The database opens, but its schema is not what it should be: ${named(chart)}.`,
  when: (chart) => chart.failed('schema'),
  // A server that does not find a table fails on its own side.
  explains: ({ address }, found) =>
    found.some((one) => ['schema/tables#missing', 'schema/tables#schema-missing'].includes(one.address)) &&
    [
      ...[
        'auth/login#erroring',
        'auth/probe-user#no-such-column',
        'auth/registration#erroring',
        'auth/protected#erroring',
      ],
      ...['server/endpoints#erroring', 'integrity/row-counts#no-such-table', 'integrity/orphaned-rows#no-such-column'],
      ...['integrity/writes#no-such-table', 'server/endpoints#database-down'],
    ].includes(address),
  next: [
    'Run the missing migrations, or restore what is missing.',
    'Where the expectation is out of date, correct it in the config.',
  ],
})
