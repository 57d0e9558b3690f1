import { defineDiagnosis, isServerFault } from 'dbdoctor'

const faults = ['too-many-connections', 'role-limit', 'database-limit', 'pooler-full', 'pool-full'].map(
  (code) => `connection/opens#${code}`,
)

export default defineDiagnosis({
  id: 'too-many-connections',
  headline: (chart) => `The database could not be opened: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  explains: isServerFault,
  next: [],
})
