import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { saidOf } from '../../support/auth.js'

const said = (jwt: object) => saidOf('auth/jwt-round-trip', { auth: { jwt } })
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

test('a sound key is silent: a secret, a pair, a public key alone', async () => {
  expect(await said({ secret: 's'.repeat(32), issuer: 'me', audience: 'you' })).toBe('pass')
  expect(await said({ privateKey: String(privateKey.export({ type: 'pkcs8', format: 'pem' })) })).toBe('pass')
  expect(await said({ publicKey: String(publicKey.export({ type: 'spki', format: 'pem' })) })).toBe('pass')
})

test('a key that is too short, or none, is told without being shown', async () => {
  expect(await said({ secret: 'hunter2' })).toEqual([
    'the configured key has 7 bytes, and HS256 needs 32 (RFC 7518, section 3.2)',
  ])
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
