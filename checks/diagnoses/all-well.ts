import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'all-well',
  headline: '',
  when: (chart) => chart.quiet() && chart.healthy('connection', 'schema', 'integrity'),
  next: [],
})
