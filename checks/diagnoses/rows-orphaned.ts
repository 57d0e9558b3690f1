import { agreeing, defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'rows-orphaned',
  headline: ({ facts }) =>
    `${agreeing(facts['integrity.orphanedRows'] ?? 0, 'row', 'point')} at a row that does not exist.`,
  when: (chart) => chart.found('integrity/foreign-keys#dangling') || chart.found('integrity/orphaned-rows#orphaned'),
  next: [
    'Find out what ran with constraints off: a restore, an import, a manual delete.',
    'Restore the missing parents, or delete the orphaned rows.',
  ],
})
