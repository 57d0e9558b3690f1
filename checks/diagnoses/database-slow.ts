import { defineDiagnosis } from 'dbdoctor'

const faults = ['connection/latency#slow-connect', 'connection/latency#slow-query']

export default defineDiagnosis({
  id: 'database-slow',
  symptom: true,
  headline: (chart) => `The database is up, and slow to reach: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  next: [
    'Measure again from the machine of the application: what is slow may be the way there.',
    'Look at the load of the database machine, and at how many clients connect afresh for each request.',
  ],
})
