import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'api-server-not-running',
  headline: (chart) => chart.sentence('server/reachable#refused'),
  when: (chart) => chart.found('server/reachable#refused'),
  next: ['Start the API server, or correct api.url.', 'Run dbdoctor check again.'],
})
