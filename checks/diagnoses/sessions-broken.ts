import { defineDiagnosis } from 'dbdoctor'

const faults = [
  'auth/refresh#refused',
  'auth/refresh#no-token',
  'auth/refresh#new-token-refused',
  'auth/refresh#reuse-accepted',
  'auth/sessions#alive',
]

export default defineDiagnosis({
  id: 'sessions-broken',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  next: ['Look at how the server stores, compares and ends refresh tokens.'],
})
