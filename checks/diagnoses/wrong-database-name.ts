import { defineDiagnosis, isServerFault } from 'dbdoctor'

export default defineDiagnosis({
  id: 'wrong-database-name',
  headline: (chart) => `The database could not be opened: ${chart.message('connection/opens#no-such-database')}.`,
  when: (chart) => chart.found('connection/opens#no-such-database'),
  explains: isServerFault,
  next: ['Run dbdoctor check again.'],
})
