import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'inconclusive',
  headline: 'Something that was asked could not be answered.',
  // Where something is broken, the report is not about what is unknown.
  when: (chart) => !chart.ill() && chart.unsure(),
  next: ['Remove what kept dbdoctor from looking, and run it again; or accept it in the config (allowUnknown).'],
})
