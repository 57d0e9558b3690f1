import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'database-crashed-and-recovered',
  decisive: true,
  headline: (chart) => `The database is up again, but ${chart.message('connection/restarts#crashed')}.`,
  when: (chart) => chart.found('connection/restarts#crashed'),
  next: ['Look for what was lost: unlogged tables are empty after a crash, and clients may hold dead connections.'],
})
