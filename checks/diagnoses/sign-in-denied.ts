import { defineDiagnosis } from 'dbdoctor'

const faults = ['auth/login#second-factor', 'auth/login#locked-out', 'auth/login#denied']

/** The server says why it lets the probe user not in, and it is not the password. */
export default defineDiagnosis({
  id: 'sign-in-denied',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  next: ['Do what the server asks for, or name another probe user; its own words are in the finding.'],
})
