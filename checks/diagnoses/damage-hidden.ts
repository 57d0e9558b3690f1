import { defineDiagnosis } from 'dbdoctor'

const hidden = 'storage/checksums#damage-hidden'

export default defineDiagnosis({
  id: 'damage-hidden',
  headline: (chart) => `Damage would go unnoticed: ${chart.message(hidden)}.`,
  when: (chart) => chart.found(hidden),
  next: [],
})
