import { defineDiagnosis, isServerFault } from 'dbdoctor'

const faults = ['connection/opens#disk-full', 'connection/capacity#disk-full']

export default defineDiagnosis({
  id: 'disk-full',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  // What cannot write fails, and says so in many ways.
  explains: isServerFault,
  next: ['Run dbdoctor check again once there is room: a write that failed half-way may have left more behind.'],
})
