import { defineDiagnosis, isServerAtALoss } from 'dbdoctor'

export default defineDiagnosis({
  id: 'database-starting',
  headline: (chart) => `The database could not be opened: ${chart.message('connection/opens#starting')}.`,
  when: (chart) => chart.found('connection/opens#starting'),
  explains: isServerAtALoss,
  next: [],
})
