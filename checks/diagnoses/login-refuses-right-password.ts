import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'login-refuses-right-password',
  headline: (chart) =>
    `The configured password matches the hash in this database, and ${chart.message('auth/login#refused')}.`,
  when: (chart) => chart.passed('auth/probe-user') && chart.found('auth/login#refused'),
  next: [
    'Compare the connection string of the server with the one that was examined here: host, port and database.',
    'Look whether the server locks accounts, asks for a second factor, or hashes passwords in another way.',
  ],
})
