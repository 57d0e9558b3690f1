import { defineDiagnosis } from 'dbdoctor'

const locks = ['activity/locks#exclusive', 'activity/locks#blocking', 'activity/locks#prepared-transaction']

export default defineDiagnosis({
  id: 'inconclusive',
  headline: 'Something that was asked could not be answered.',
  // Where something is broken, the report is not about what is unknown.
  // What a lock keeps from being read is said with the lock.
  when: (chart) => !chart.ill() && chart.findings(...locks).length === 0 && chart.unsure(),
  next: (chart) => [
    ...chart.remedies(),
    'Remove what kept dbdoctor from looking, and run it again; or accept it in the config (allowUnknown).',
  ],
})
