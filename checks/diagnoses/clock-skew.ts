import { defineDiagnosis } from 'dbdoctor'

const faults = ['auth/token#clock-skew', 'auth/token#issued-in-future']

export default defineDiagnosis({
  id: 'clock-skew',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  next: ['Set the clocks by NTP, on the server and here.'],
})
