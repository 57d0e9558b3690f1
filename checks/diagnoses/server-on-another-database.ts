import { defineDiagnosis } from 'dbdoctor'

/** Only where a password that does not match was sent, because the config allows it. */
export default defineDiagnosis({
  id: 'server-on-another-database',
  headline:
    'The server lets the probe user in with a password that does not match the hash in this database: it looks at another database.',
  when: (chart) => chart.passed('auth/login') && chart.found('auth/probe-user#password-differs'),
  next: ['Compare the connection string of the server with the one that was examined here: host, port and database.'],
})
