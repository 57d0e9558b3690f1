import { defineDiagnosis } from 'dbdoctor'

const faults = ['integrity/sequences#behind', 'integrity/sequences#repeats']

export default defineDiagnosis({
  id: 'sequence-behind',
  headline: (chart) => `The rows are there, and new ones are refused: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  next: [
    'Look at what wrote the rows past the sequence: a restore, an import, a replication. The others may be behind too.',
  ],
})
