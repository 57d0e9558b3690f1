import { defineDiagnosis } from 'dbdoctor'

const faults = ['server/reachable#not-http', 'auth/login#not-json']

export default defineDiagnosis({
  id: 'wrong-service-on-port',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => faults.some((fault) => chart.found(fault)),
  next: ['Find out which program listens there, and correct api.url or the port.'],
})
