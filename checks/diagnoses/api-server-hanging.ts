import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'api-server-hanging',
  headline: (chart) => chart.sentence('server/reachable#silent'),
  when: (chart) => chart.found('server/reachable#silent'),
  next: [
    'Look at what the server waits for (its threads, its pool, its database) before it is restarted.',
    'Restart it, and run dbdoctor check again.',
  ],
})
