import { reportJsonSchema } from '../../src/report/schema.js'

// npm run docs: the JSON Schema of a report, as docs/report.schema.json publishes it.
process.stdout.write(`${JSON.stringify(reportJsonSchema(), null, 2)}\n`)
