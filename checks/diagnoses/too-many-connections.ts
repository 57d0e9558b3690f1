import { defineDiagnosis } from 'dbdoctor'

const faults = ['connection/opens#too-many-connections', 'connection/opens#pooler-full']

export default defineDiagnosis({
  id: 'too-many-connections',
  headline: (chart) => `The database could not be opened: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  next: [],
})
