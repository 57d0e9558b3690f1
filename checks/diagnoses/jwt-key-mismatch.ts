import { defineDiagnosis } from 'dbdoctor'

const faults = ['auth/token#other-key', 'auth/token#other-algorithm', 'auth/protected#verified-otherwise']

export default defineDiagnosis({
  id: 'jwt-key-mismatch',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  next: ['Compare the key and the algorithm of the server with those of the config: one of the two is out of date.'],
})
