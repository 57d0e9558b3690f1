import { defineDiagnosis } from 'dbdoctor'

const faults = [
  'server/reachable#unresolved',
  'server/reachable#tls',
  'server/reachable#gateway',
  'server/reachable#broken',
]

export default defineDiagnosis({
  id: 'api-server-unreachable',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  next: ['Put right what the message names: the address, the certificate, the proxy, the network.'],
})
