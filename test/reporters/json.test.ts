import fc from 'fast-check'
import { expect, test } from 'vitest'
import { json } from '../../src/reporters/json.js'
import { inert, inertJson } from '../../src/values/inert.js'
import { reportWith } from '../support/reports.js'

const options = { color: false, width: 80, verbose: false, quiet: false }

test('the report comes back as it was', () => {
  const report = reportWith({ id: 'schema/tables', status: 'pass' })
  expect(JSON.parse(json.render(report, options))).toEqual(report)
})

test('whatever a name holds, the document parses, means the same, and moves no cursor', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const text = inertJson(JSON.stringify({ name }, null, 2))
      expect(JSON.parse(text)).toEqual({ name })
      expect(text.replaceAll('\n', '')).toBe(inert(text.replaceAll('\n', '')))
    }),
  )
})
