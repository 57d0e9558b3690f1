import { defineDiagnosis } from 'dbdoctor'

const faults = ['activity/locks#idle-in-transaction', 'activity/locks#long-query']

export default defineDiagnosis({
  id: 'transaction-left-open',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  next: ['Set idle_in_transaction_session_timeout and statement_timeout for the role that left it open.'],
})
