import { defineDiagnosis } from 'dbdoctor'

const faults = ['activity/vacuum#not-analyzed', 'activity/vacuum#dead-rows', 'activity/vacuum#off']

export default defineDiagnosis({
  id: 'not-vacuumed',
  headline: (chart) => `The database is up, and may be slow: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  next: [],
})
