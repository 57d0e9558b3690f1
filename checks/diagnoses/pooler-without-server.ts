import { defineDiagnosis, isServerAtALoss } from 'dbdoctor'

export default defineDiagnosis({
  id: 'pooler-without-server',
  headline: (chart) => `The database could not be opened: ${chart.message('connection/opens#behind-pooler')}.`,
  when: (chart) => chart.found('connection/opens#behind-pooler'),
  explains: isServerAtALoss,
  next: ['Run dbdoctor check again.'],
})
