import { defineDiagnosis } from 'dbdoctor'

const faults = [
  'auth/token#clock-skew',
  'auth/token#expired-on-arrival',
  'auth/token#issued-in-future',
  'auth/token#issued-in-past',
]

export default defineDiagnosis({
  id: 'clock-skew',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  // Whoever verifies by another clock takes a good token for an old one, or for one of tomorrow.
  explains: ['auth/protected#token-refused', 'auth/protected#verified-otherwise'],
  next: ['Set the clocks by NTP: on the server, on whoever issues its tokens, and here.'],
})
