import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'probe-user-inactive',
  headline: (chart) => chart.sentence('auth/probe-user#inactive'),
  when: (chart) => chart.found('auth/probe-user#inactive'),
  explains: ['auth/login#refused', 'auth/login#denied', 'auth/probe-user#failed-attempts'],
  next: ['Let the probe user in again, or name another one in the config.'],
})
