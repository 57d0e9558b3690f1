import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'rate-limited',
  headline: (chart) => chart.sentence('auth/login#throttled'),
  when: (chart) => chart.found('auth/login#throttled'),
  next: [
    'Wait for as long as the server says, and run dbdoctor check again.',
    'Let the probe user, or the address that dbdoctor asks from, be excepted from the limit.',
  ],
})
