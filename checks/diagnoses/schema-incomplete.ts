import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'schema-incomplete',
  headline: (chart) =>
    `The database opens, but its schema is not what it should be: ${chart.errors('schema')[0]?.message}.`,
  when: (chart) => chart.failed('schema'),
  next: [
    'Run the missing migrations, or restore what is missing.',
    'Where the expectation is out of date, correct it in the config.',
  ],
})
