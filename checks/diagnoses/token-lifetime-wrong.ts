import { defineDiagnosis } from 'dbdoctor'

const faults = ['auth/token#lifetime-differs', 'auth/token#no-expiry', 'auth/token#expiry-in-milliseconds']

export default defineDiagnosis({
  id: 'token-lifetime-wrong',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  next: ['Set the lifetime that is promised in the server, or correct the promise in the config.'],
})
