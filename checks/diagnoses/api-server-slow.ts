import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'api-server-slow',
  headline: (chart) => chart.sentence('server/latency#slow'),
  when: (chart) => chart.found('server/latency#slow'),
  next: [
    'Look at what the slow requests wait for: a query without an index, a service of others, a machine that is full.',
  ],
})
