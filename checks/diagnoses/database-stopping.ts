import { defineDiagnosis, isServerAtALoss } from 'dbdoctor'

export default defineDiagnosis({
  id: 'database-stopping',
  headline: (chart) => `The database could not be opened: ${chart.message('connection/opens#shutting-down')}.`,
  when: (chart) => chart.found('connection/opens#shutting-down'),
  explains: isServerAtALoss,
  next: [],
})
