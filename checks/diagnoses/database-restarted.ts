import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'database-restarted',
  headline: (chart) => chart.sentence('connection/restarts#restarted'),
  when: (chart) => chart.found('connection/restarts#restarted'),
  next: [],
})
