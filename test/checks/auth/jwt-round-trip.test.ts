import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { saidOf } from '../../support/auth.js'
import { examine } from '../../support/databases.js'

const said = (jwt: object) => saidOf('auth/jwt-round-trip', { auth: { jwt } })
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

test('a sound key is silent: a secret, a pair, a public key alone', async () => {
  expect(await said({ secret: 's'.repeat(32), issuer: 'me', audience: 'you' })).toBe('pass')
  expect(await said({ privateKey: String(privateKey.export({ type: 'pkcs8', format: 'pem' })) })).toBe('pass')
  expect(await said({ publicKey: String(publicKey.export({ type: 'spki', format: 'pem' })) })).toBe('pass')
})

test('a key that is short is weak, and works', async () => {
  const report = await examine(null, { config: { auth: { jwt: { secret: 'hunter2-hunter2-hunter2-hunt2' } } } })
  expect(report.verdict).toMatchObject({
    status: 'degraded',
    headline: 'The configured key works, and is weak: it has 29 bytes, and HS256 asks for 32 (RFC 7518, section 3.2).',
  })
  expect(report.causes.map(({ id }) => id)).toEqual(['jwt-key-weak'])
  expect(JSON.stringify(report)).not.toContain('hunter2')
})

test('a key that is none is told without being shown', async () => {
  expect(await said({ publicKey: 'hunter2' })).toEqual([
    'the configured key cannot be read as PEM, JWK or JWK set, or does not fit its algorithm',
  ])
})

test('the halves of two pairs do not verify each other', async () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwt = {
    privateKey: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    publicKey: String(other.publicKey.export({ type: 'spki', format: 'pem' })),
  }
  expect(await said(jwt)).toEqual([
    'a token signed with the configured key does not verify: its signature was made with another key',
  ])
})
