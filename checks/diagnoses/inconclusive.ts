import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'inconclusive',
  headline: 'Something that was asked could not be answered.',
  when: (chart) => chart.unsure(),
  next: ['Remove what kept dbdoctor from looking, and run it again; or accept it in the config (allowUnknown).'],
})
