import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'parents-gone',
  headline: (chart) => chart.sentence('integrity/orphaned-rows#parent-empty'),
  when: (chart) =>
    chart.findings('integrity/orphaned-rows#parent-empty').some(({ severity }) => severity !== 'info') &&
    chart.found('integrity/orphaned-rows#parent-empty'),
  decisive: true,
  // Rows whose parents are all gone are no orphans to be moved.
  explains: ({ address, evidence }, found) =>
    address === 'integrity/orphaned-rows#orphaned' && found.some((one) => one.evidence.parent === evidence.parent),
  next: ['Restore the rows of the empty table from a backup; run dbdoctor check again.'],
})
