import { defineDiagnosis } from 'dbdoctor'

const limits = ['auth/login#throttled', 'server/endpoints#throttled']

export default defineDiagnosis({
  id: 'rate-limited',
  headline: (chart) => chart.sentence(...limits),
  when: (chart) => chart.foundAny(...limits),
  next: [
    'Wait for as long as the server says, and run dbdoctor check again.',
    'Let the probe user, or the address that dbdoctor asks from, be excepted from the limit.',
  ],
})
