import { defineDiagnosis } from 'dbdoctor'

const faults = [
  'server/reachable#erroring',
  'server/endpoints#erroring',
  'server/endpoints#unwell',
  'auth/login#erroring',
  'auth/protected#erroring',
  'auth/refresh#erroring',
]

export default defineDiagnosis({
  id: 'api-server-erroring',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  explains: ['auth/login#wrong-password-differs', 'auth/registration#erroring', 'external/services#unexpected'],
  next: [
    'Read the log of the server for the request that is named.',
    'Put right what it names, and run dbdoctor check again.',
  ],
})
