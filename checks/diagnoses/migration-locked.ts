import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'migration-locked',
  headline: (chart) => chart.sentence('schema/migrations#locked'),
  when: (chart) => chart.found('schema/migrations#locked'),
  next: ['Make sure that no migration runs any more, then release the lock with the tool that took it.'],
})
