import { defineDiagnosis } from 'dbdoctor'

const faults = ['connection/opens#wrong-service', 'server/reachable#not-http', 'auth/login#not-json']

export default defineDiagnosis({
  id: 'wrong-service-on-port',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  next: ['Find out which program listens there, and correct the address or the port.'],
})
