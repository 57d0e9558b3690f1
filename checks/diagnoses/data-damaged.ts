import { type Chart, defineDiagnosis } from 'dbdoctor'

/** Rows without a parent have a diagnosis of their own. */
const damage = (chart: Chart) =>
  chart.errors('integrity').filter(({ address }) => !/#(dangling|orphaned)$/.test(address))

export default defineDiagnosis({
  id: 'data-damaged',
  headline: (chart) => `The database opens, but its data is not sound: ${damage(chart)[0]?.message}.`,
  when: (chart) => damage(chart).length > 0 && chart.failed('integrity'),
  next: [
    'Take a copy of the database before anything is repaired.',
    'Put right what the findings name, and run dbdoctor check again.',
  ],
})
