import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'all-well',
  headline: '',
  when: (chart) =>
    !chart.diagnosed() && chart.quiet() && !chart.unsure() && chart.healthy('connection', 'schema', 'integrity'),
  next: [],
})
