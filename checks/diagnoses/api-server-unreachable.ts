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
  when: (chart) => faults.some((fault) => chart.found(fault)),
  next: ['Put right what the message names: the address, the certificate, the proxy, the network.'],
})
