import { defineDiagnosis } from 'dbdoctor'

const faults = ['auth/probe-user#user-missing', 'auth/probe-user#no-password']

export default defineDiagnosis({
  id: 'probe-user-missing',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  explains: ['auth/login#refused', 'auth/login#denied'],
  next: ['Create the probe user, or name another one in the config.'],
})
