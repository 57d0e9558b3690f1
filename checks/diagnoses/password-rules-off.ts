import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'password-rules-off',
  headline: (chart) => chart.sentence('auth/passwords#weak-accepted'),
  when: (chart) => chart.found('auth/passwords#weak-accepted'),
  next: ['Switch the password rules on, and look for accounts that were made without them.'],
})
