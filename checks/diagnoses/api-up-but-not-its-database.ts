import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'api-up-but-not-its-database',
  headline: (chart) =>
    `The API server is up, and ${chart.message('server/endpoints#database-down')}${chart.passed('connection/opens') ? '; dbdoctor opens the database from here' : ''}.`,
  when: (chart) => chart.found('server/endpoints#database-down'),
  explains: [
    'server/endpoints#erroring',
    'auth/login#erroring',
    'auth/protected#erroring',
    'auth/refresh#erroring',
    'auth/login#wrong-password-differs',
    'auth/registration#erroring',
  ],
  next: [
    'Compare the connection string of the server with the one that was examined here, and look at its pool and its network.',
    'Restart the server where its pool holds dead connections.',
  ],
})
