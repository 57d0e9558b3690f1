import { createHash, pbkdf2Sync, scryptSync } from 'node:crypto'
import fc from 'fast-check'
import { argon2id, bcrypt } from 'hash-wasm'
import { describe, expect, test } from 'vitest'
import { verifyPassword } from '../../src/probes/password.js'

const password = 'Ünser Paßwort 42!'
const salt = Buffer.from('0123456789abcdef')
const b64 = (bytes: Buffer) => bytes.toString('base64')
const ab64 = (bytes: Buffer) => b64(bytes).replaceAll('+', '.').replaceAll('=', '')
const scrypted = (given: string | Buffer, n = 1024, r = 8, length = 32) =>
  scryptSync(password, given, length, { N: n, r, p: 1, maxmem: 1e9 })
const stretched = (given: string | Buffer, digest = 'sha256') => pbkdf2Sync(password, given, 1000, 32, digest)
const text = salt.toString('latin1')

const hashes: [string, string | Promise<string>, string][] = [
  ['bcrypt', bcrypt({ password, salt, costFactor: 4, outputType: 'encoded' }), 'bcrypt'],
  [
    'bcrypt, of PHP',
    bcrypt({ password, salt, costFactor: 4, outputType: 'encoded' }).then((hash) => hash.replace('$2a$', '$2y$')),
    'bcrypt',
  ],
  [
    'bcrypt, of Node and Python',
    bcrypt({ password, salt, costFactor: 4, outputType: 'encoded' }).then((hash) => hash.replace('$2a$', '$2b$')),
    'bcrypt',
  ],
  [
    'argon2id',
    argon2id({ password, salt, iterations: 2, memorySize: 256, parallelism: 2, hashLength: 32, outputType: 'encoded' }),
    'argon2',
  ],
  [
    'scrypt, of the demo',
    `scrypt$1024$8$1$${salt.toString('base64url')}$${scrypted(salt).toString('base64url')}`,
    'scrypt',
  ],
  ['scrypt, of Django', `scrypt$1024$${text}$8$1$${b64(scrypted(text))}`, 'scrypt'],
  ['scrypt, of Werkzeug', `scrypt:1024:8:1$${text}$${scrypted(text).toString('hex')}`, 'scrypt'],
  ['scrypt, of passlib', `$scrypt$ln=10,r=8,p=1$${ab64(salt)}$${ab64(scrypted(salt))}`, 'scrypt'],
  [
    'scrypt, of Adonis',
    `$scrypt$n=1024,r=8,p=1$${b64(salt).replaceAll('=', '')}$${b64(scrypted(salt)).replaceAll('=', '')}`,
    'scrypt',
  ],
  [
    'scrypt, of Better Auth',
    `${salt.toString('hex')}:${scryptSync(password.normalize('NFKC'), salt.toString('hex'), 64, { N: 16_384, r: 16, p: 1, maxmem: 1e9 }).toString('hex')}`,
    'scrypt',
  ],
  ['PBKDF2, of Django', `pbkdf2_sha256$1000$${text}$${b64(stretched(text))}`, 'PBKDF2'],
  ['PBKDF2, of Werkzeug', `pbkdf2:sha256:1000$${text}$${stretched(text).toString('hex')}`, 'PBKDF2'],
  ['PBKDF2, of passlib', `$pbkdf2-sha512$1000$${ab64(salt)}$${ab64(stretched(salt, 'sha512'))}`, 'PBKDF2'],
]

describe.each(hashes)('%s', (_, made, scheme) => {
  test('matches its password, and no other', async () => {
    const stored = await made
    expect(await verifyPassword(password, stored)).toEqual({ outcome: 'matches', scheme, sound: true })
    expect(await verifyPassword(`${password}x`, stored)).toEqual({ outcome: 'differs', scheme, sound: true })
  })
})

test.each(['md5', 'sha1', 'sha256', 'sha512'])('%s without a salt is known, and not sound', async (algorithm) => {
  const stored = createHash(algorithm).update(password).digest('hex')
  expect(await verifyPassword(password, stored)).toMatchObject({ outcome: 'matches', sound: false })
  expect(await verifyPassword('other', stored.toUpperCase())).toMatchObject({ outcome: 'differs', sound: false })
})

test('plain text is plain text', async () => {
  expect(await verifyPassword(password, password)).toEqual({ outcome: 'plain-text' })
})

test.each([
  ['$6$rounds=5000$salt$hash', 'its hash is of no scheme that is known here'],
  ['scrypt$1048576$8$1$c2FsdA$aGFzaA', 'its hash is scrypt, which costs more than a probe may spend'],
  [
    '$argon2id$v=19$m=4194304,t=3,p=4$c2FsdHNhbHQ$aGFzaA',
    'its hash is argon2, which costs more than a probe may spend',
  ],
  [`$2b$31$${'a'.repeat(53)}`, 'its hash is bcrypt, which costs more than a probe may spend'],
  ['pbkdf2_sha256$100000000$salt$aGFzaA==', 'its hash is PBKDF2, which costs more than a probe may spend'],
])('%s is not guessed at', async (stored, why) => {
  expect(await verifyPassword(password, stored)).toEqual({ outcome: 'unknown', text: why })
})

test('whatever is stored, there is an answer, and it is no match', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), async (stored) => {
      expect((await verifyPassword(password, stored)).outcome).not.toBe('matches')
    }),
  )
})
