import { defineDiagnosis } from 'dbdoctor'

const faults = ['server/endpoints#erroring', 'auth/login#erroring', 'auth/protected#erroring', 'auth/refresh#erroring']

export default defineDiagnosis({
  id: 'api-server-erroring',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => faults.some((fault) => chart.found(fault)),
  next: [
    'Read the log of the server for the request that is named.',
    'Put right what it names, and run dbdoctor check again.',
  ],
})
