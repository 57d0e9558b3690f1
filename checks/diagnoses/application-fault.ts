import { defineDiagnosis } from 'dbdoctor'

/** What fails in front of the database, and has no name of its own. */
export default defineDiagnosis({
  id: 'application-fault',
  headline: (chart) => {
    const [first] = (['server', 'auth', 'external'] as const).flatMap(chart.errors)
    return chart.sentence(first?.address ?? '')
  },
  when: (chart) => chart.failed('server', 'auth', 'external'),
  next: ['Read the log of the API server for the request that is named.'],
})
