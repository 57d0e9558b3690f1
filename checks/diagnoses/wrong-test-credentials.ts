import { defineDiagnosis } from 'dbdoctor'

/** What the database says goes before what the server says: it knows why. */
const faults = ['auth/probe-user#password-differs', 'auth/login#refused']

export default defineDiagnosis({
  id: 'wrong-test-credentials',
  headline: (chart) => chart.sentence(...faults),
  // A refusal alone is no proof: a server that can't look the user up refuses too, and so does one that looks elsewhere.
  when: (chart) =>
    chart.found('auth/probe-user#password-differs')
      ? chart.foundAny(...faults)
      : !chart.ill('connection', 'storage') && !chart.passed('auth/probe-user') && chart.found('auth/login#refused'),
  next: ['Correct the test password in the config or its environment, or set a new one for the probe user.'],
})
