import { defineDiagnosis } from 'dbdoctor'

const gone = 'schema/triggers#names-gone'

export default defineDiagnosis({
  id: 'trigger-outdated',
  headline: (chart) => chart.sentence(gone),
  when: (chart) => chart.found(gone),
  next: ['Look at the last migration: what it dropped or renamed, a trigger still names.'],
})
