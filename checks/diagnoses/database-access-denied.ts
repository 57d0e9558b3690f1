import { defineDiagnosis, isServerFault } from 'dbdoctor'

const faults = [
  'connection/opens#not-mapped',
  'connection/opens#not-admitted',
  'connection/opens#no-login',
  'connection/opens#no-such-role',
  'connection/opens#denied',
  'connection/opens#database-closed',
  'connection/opens#socket-denied',
  'connection/opens#unreadable',
  'connection/opens#tls',
  'connection/opens#no-tls',
  'connection/opens#unknown-to-pooler',
  'connection/opens#bad-setting',
  'connection/opens#statement-timeout',
]

export default defineDiagnosis({
  id: 'database-access-denied',
  headline: (chart) => `The database could not be opened: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  explains: isServerFault,
  next: ['Run dbdoctor check again.'],
})
