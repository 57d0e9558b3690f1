import { defineDiagnosis } from 'dbdoctor'

const faults = ['auth/protected#open', 'auth/roles#open', 'auth/login#wrong-password-accepted']

export default defineDiagnosis({
  id: 'route-unprotected',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  next: ['Take the route out of reach until the server verifies tokens and roles on it.', 'Look at who used it.'],
})
