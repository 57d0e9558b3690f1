import { defineDiagnosis } from 'dbdoctor'

/** What the database says goes before what the server says: it knows why. */
const faults = ['auth/probe-user#password-differs', 'auth/login#refused']

export default defineDiagnosis({
  id: 'wrong-test-credentials',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => !chart.found('auth/probe-user#user-missing') && faults.some((fault) => chart.found(fault)),
  next: ['Correct the test password in the config or its environment, or set a new one for the probe user.'],
})
