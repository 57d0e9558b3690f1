import { defineDiagnosis } from 'dbdoctor'

const faults = ['integrity/sequences#exhausted', 'integrity/sequences#rowids-exhausted']

export default defineDiagnosis({
  id: 'sequence-exhausted',
  headline: (chart) => `The rows are there, and new ones are refused: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  next: ['What can be done at once is to make the sequence longer; where its column is full, a wider type takes time.'],
})
