import { defineDiagnosis } from 'dbdoctor'

const faults = [
  'integrity/enforcement#replica-role',
  'integrity/enforcement#key-disabled',
  'integrity/enforcement#key-not-enforced',
  'integrity/enforcement#check-not-enforced',
  'integrity/enforcement#domain-not-validated',
  'integrity/enforcement#key-not-validated',
  'integrity/enforcement#check-not-validated',
  'integrity/enforcement#trigger-disabled',
]

export default defineDiagnosis({
  id: 'not-enforced',
  headline: (chart) => `What the schema declares is not enforced: ${chart.message(...faults)}.`,
  when: (chart) => chart.foundAny(...faults),
  next: ['Mend the rows that slipped in, then validate or enable what is named.'],
})
