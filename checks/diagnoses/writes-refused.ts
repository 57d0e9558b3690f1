import { defineDiagnosis } from 'dbdoctor'

const faults = [
  'integrity/writes#read-only',
  'integrity/writes#insert-refused',
  'integrity/writes#not-inserted',
  'integrity/writes#not-found',
  'integrity/writes#update-refused',
  'integrity/writes#not-updated',
  'integrity/writes#delete-refused',
  'integrity/writes#not-deleted',
]

export default defineDiagnosis({
  id: 'writes-refused',
  headline: (chart) => `The database answers, and does not take a write: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  next: ['Put right what it names, and run dbdoctor check again: nothing of the attempt was kept.'],
})
