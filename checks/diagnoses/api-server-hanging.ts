import { type Chart, defineDiagnosis } from 'dbdoctor'

/** Where the server took a request and did not answer in time: the first request of all, or one of the others. */
const hung = (chart: Chart) => [
  'server/reachable#silent',
  ...[...chart.errors('server'), ...chart.errors('auth')]
    .filter(({ evidence }) => evidence.code === 'ETIMEDOUT')
    .map(({ address }) => address),
]

export default defineDiagnosis({
  id: 'api-server-hanging',
  headline: (chart) => chart.sentence(...hung(chart)),
  when: (chart) => chart.foundAny(...hung(chart)),
  next: [
    'Look at what the server waits for (its threads, its pool, its database) before it is restarted.',
    'Restart it, and run dbdoctor check again.',
  ],
})
