import { defineDiagnosis } from 'dbdoctor'

const faults = ['schema/indexes#invalid', 'schema/indexes#not-ready', 'schema/indexes#partition-lacks-it']

/** What is to be done depends on the index: each finding says it. */
export default defineDiagnosis({
  id: 'index-invalid',
  headline: (chart) => {
    const more = chart.findings(...faults).length - 1
    return chart.sentence(...faults).replace(/\.$/, more > 0 ? ` (and ${more} more).` : '.')
  },
  when: (chart) => chart.foundAny(...faults),
  next: [],
})
