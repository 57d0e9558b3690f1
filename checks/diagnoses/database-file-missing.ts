import { defineDiagnosis, isServerAtALoss } from 'dbdoctor'

export default defineDiagnosis({
  id: 'database-file-missing',
  headline: (chart) => `The database could not be opened: ${chart.message('connection/opens#missing')}.`,
  when: (chart) => chart.found('connection/opens#missing'),
  explains: isServerAtALoss,
  next: ['Run dbdoctor check again.'],
})
