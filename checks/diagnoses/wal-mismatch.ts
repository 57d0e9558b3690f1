import { defineDiagnosis } from 'dbdoctor'

const faults = ['storage/pages#wal-mismatch', 'connection/restarts#wal-mismatch']

/** Whatever is found in a file and a log that do not belong together is found in neither. */
export default defineDiagnosis({
  id: 'wal-mismatch',
  headline: (chart) => chart.sentence(...faults),
  when: (chart) => chart.foundAny(...faults),
  explains: ({ address }, found) =>
    found.some(({ severity }) => severity === 'error') && /^(storage|schema|integrity)\//.test(address),
  next: ['Open neither the file nor the log with anything that writes until it is clear which of the two is wanted.'],
})
