import { defineDiagnosis } from 'dbdoctor'

const faults = [
  'connection/capacity#disk-low',
  'connection/capacity#connections-low',
  'storage/wraparound#old',
  'integrity/sequences#near-end',
  'integrity/sequences#rowids-near-end',
]

export default defineDiagnosis({
  id: 'limit-near',
  headline: (chart) => `A limit is near: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  next: ['Make room before it is reached: then writes, or all clients, are refused.'],
})
