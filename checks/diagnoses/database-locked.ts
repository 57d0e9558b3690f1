import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'database-locked',
  headline: (chart) => `The database could not be opened: ${chart.message('connection/opens#locked')}.`,
  when: (chart) => chart.found('connection/opens#locked'),
  next: ['Run dbdoctor check again.'],
})
