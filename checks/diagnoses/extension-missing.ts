import { defineDiagnosis } from 'dbdoctor'

const gone = 'schema/extensions#library-gone'

export default defineDiagnosis({
  id: 'extension-missing',
  headline: (chart) => `A part of the database server is missing: ${chart.message(gone)}.`,
  when: (chart) => chart.found(gone),
  // A server that needs the extension fails on its own side.
  explains: [
    'schema/views#broken',
    'server/endpoints#erroring',
    'server/endpoints#database-down',
    'auth/login#erroring',
    'auth/registration#erroring',
    'auth/protected#erroring',
  ],
  next: ['Look at what was changed last: the image of the server, its packages, the server itself.'],
})
