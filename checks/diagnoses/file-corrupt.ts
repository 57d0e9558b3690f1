import { defineDiagnosis } from 'dbdoctor'

const faults = [
  'connection/opens#truncated',
  'connection/opens#damaged',
  'schema/tables#catalog-unreadable',
  'schema/tables#unreadable',
  'integrity/foreign-keys#unreadable',
]

export default defineDiagnosis({
  id: 'file-corrupt',
  headline: (chart) => `The database is damaged: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  next: ['Look for the cause before anything is written again: the disk, its controller, a copy that was cut short.'],
})
