import { defineDiagnosis } from 'dbdoctor'

const faults = ['activity/archiving#failing', 'activity/archiving#switched-off', 'activity/archiving#behind']

export default defineDiagnosis({
  id: 'archiving-failed',
  headline: (chart) => `The database is up, and its WAL piles up: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  next: [],
})
