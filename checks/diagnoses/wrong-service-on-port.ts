import { defineDiagnosis } from 'dbdoctor'

const faults = [
  'connection/opens#wrong-service',
  'server/reachable#not-http',
  'server/endpoints#unknown-to-server',
  'auth/login#not-json',
  'auth/login#no-such-method',
]

export default defineDiagnosis({
  id: 'wrong-service-on-port',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  // Whoever has the wrong program before them learns nothing of the right one.
  explains: ({ address }, found) =>
    /^(auth|server|external)\//.test(address) && found.some((one) => !one.address.startsWith('connection/')),
  next: ['Find out which program listens there, and correct the address or the port.'],
})
