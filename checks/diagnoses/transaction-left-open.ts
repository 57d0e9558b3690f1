import { defineDiagnosis } from 'dbdoctor'

const sessions = ['activity/locks#idle-in-transaction', 'activity/locks#long-query']
const faults = [...sessions, 'connection/capacity#log-grows']

export default defineDiagnosis({
  id: 'transaction-left-open',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  next: (chart) =>
    chart.foundAny(...sessions)
      ? ['Set idle_in_transaction_session_timeout and statement_timeout for the role that left it open.']
      : [],
})
