import { defineDiagnosis, orphansNamed } from 'dbdoctor'

const faults = ['integrity/foreign-keys#dangling', 'integrity/orphaned-rows#orphaned']

export default defineDiagnosis({
  id: 'rows-orphaned',
  headline: (chart) => `${orphansNamed(chart.findings(...faults))}.`,
  when: (chart) => chart.foundAny(...faults),
  next: (chart) => {
    const found = chart.findings(...faults)
    const declared = found.some(({ address }) => address === 'integrity/foreign-keys#dangling')
    const guessed = found.every(({ evidence }) => evidence.inferred === true)
    if (found.every(({ evidence }) => evidence.none !== undefined))
      return ['Write NULL where there is no parent: in the rows that are there, and in the application.']
    return [
      declared
        ? 'Find out what ran with constraints off: a restore, an import, a manual delete.'
        : 'Find out what removed the parents and left their rows: a delete in the application, a restore, an import.',
      guessed
        ? 'Restore the missing parents; or, where the relationship is meant, point the rows elsewhere.'
        : 'Restore the missing parents, or move the orphaned rows aside.',
    ]
  },
})
