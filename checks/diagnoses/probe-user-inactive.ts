import { defineDiagnosis } from 'dbdoctor'

/** What keeps a user out on some servers, and on others does not: where it is not the password that is refused. */
const conditions = ['auth/probe-user#unverified', 'auth/probe-user#password-change-due']

export default defineDiagnosis({
  id: 'probe-user-inactive',
  headline: (chart) => chart.sentence('auth/probe-user#inactive', ...conditions),
  when: (chart) =>
    chart.found('auth/probe-user#inactive') ||
    (chart.findings('auth/login#denied').length > 0 && chart.foundAny(...conditions)),
  explains: ['auth/login#refused', 'auth/login#denied', 'auth/probe-user#failed-attempts'],
  next: ['Let the probe user in again, or name another one in the config.'],
})
