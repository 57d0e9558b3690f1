import { defineDiagnosis } from 'dbdoctor'

const faults = ['connection/restarts#statistics-lost', 'connection/restarts#stopped-immediately']

export default defineDiagnosis({
  id: 'statistics-lost',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  next: [],
})
