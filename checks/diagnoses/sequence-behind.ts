import { defineDiagnosis } from 'dbdoctor'

const behind = 'integrity/sequences#behind'
const repeats = 'integrity/sequences#repeats'

export default defineDiagnosis({
  id: 'sequence-behind',
  headline: (chart) =>
    `The rows are there, and new ones ${chart.foundAny(behind) ? 'are refused' : 'get numbers that are taken'}: ${chart.message(behind, repeats)}.`,
  when: (chart) => chart.foundAny(behind, repeats),
  next: [
    'Look at what wrote the rows past the sequence: a restore, an import, a replication. The others may be behind too.',
  ],
})
