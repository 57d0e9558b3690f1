import { defineDiagnosis } from 'dbdoctor'

const faults = ['schema/migrations#half-applied', 'schema/migrations#failed', 'schema/migrations#dirty']

export default defineDiagnosis({
  id: 'migration-half-applied',
  headline: (chart) => `The database opens, but a migration did not finish: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  explains: [
    'schema/tables#missing',
    'schema/tables#schema-missing',
    'schema/tables#count-differs',
    'schema/indexes#missing',
    'schema/indexes#count-differs',
    'schema/drift#missing',
    'schema/drift#changed',
    'schema/drift#added',
  ],
  next: ['Run dbdoctor check again before the application is let in.'],
})
