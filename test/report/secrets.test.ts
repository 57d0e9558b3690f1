import fc from 'fast-check'
import { expect, test } from 'vitest'
import { secretsOf } from '../../src/report/secrets.js'

test('a secret is taken out of every text, as it is, percent-encoded and in base64', () => {
  const secrets = secretsOf(['pass word/42'])
  secrets.addSecret('later-token')
  const base64 = Buffer.from('pass word/42').toString('base64')
  expect(
    secrets.scrub({ a: ['pass word/42!'], b: `x${base64}x`, c: 'pass%20word%2F42', d: 'later-token', e: 7, f: null }),
  ).toEqual({
    a: ['•••!'],
    b: 'x•••x',
    c: '•••',
    d: '•••',
    e: 7,
    f: null,
  })
})

test('any secret, and any text around it', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 6 }), fc.string(), fc.string(), (secret, before, after) => {
      fc.pre(!'•••'.includes(secret))
      expect(secretsOf([secret]).scrub(`${before}${secret}${after}`)).not.toContain(secret)
    }),
  )
})
