import { defineDiagnosis } from 'dbdoctor'

const faults = ['server/latency#slow', 'server/latency#slow-tail']

export default defineDiagnosis({
  id: 'api-server-slow',
  symptom: true,
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  next: [
    'Look at what the slow requests wait for: a query without an index, a service of others, a machine that is full.',
  ],
})
