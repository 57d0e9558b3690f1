import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'all-well',
  headline: '',
  when: (chart) =>
    chart.healthy('connection', 'schema', 'integrity') && !chart.failed('storage', 'server', 'auth', 'external'),
  next: [],
})
