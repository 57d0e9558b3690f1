import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/config.js'
import { type Given, givenBy } from '../../src/config/given.js'
import { limit } from '../../src/contracts/limits.js'
import { forge } from '../../src/probes/forgeries.js'
import { httpClient } from '../../src/probes/http.js'
import { decode } from '../../src/probes/jwt.js'
import { type Keys, loadKeys } from '../../src/probes/keys.js'
import { deadAddress, httpServer, socketServer } from '../support/servers.js'

const http = httpClient(
  { url: null, headers: {}, timeout: 500, maxBodyBytes: 100_000 },
  limit(Infinity, new AbortController().signal),
)
const secret = 's'.repeat(64)
const now = Math.floor(Date.now() / 1000)

const load = (jwt: object) => {
  const config = parseConfig({ auth: { jwt } }, 'the test')
  const { given } = givenBy(config, ['jwt'], { environment: {}, folder: '/' })
  return loadKeys(given.jwt as Given['jwt'], http)
}
const keysOf = async (jwt: object): Promise<Keys> => {
  const loading = await load(jwt)
  if (loading.outcome !== 'loaded') throw new Error(loading.text)
  return loading.keys
}
const pem = (key: { export(options: object): string | Buffer }, type: string) =>
  String(key.export({ type, format: 'pem' }))
const pairs = {
  RS: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ES512: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  Ed: generateKeyPairSync('ed25519'),
}
const pairFor = (algorithm: string) =>
  pairs[algorithm as keyof typeof pairs] ?? (algorithm.startsWith('Ed') ? pairs.Ed : pairs.RS)

describe('keys', () => {
  test.each(['HS256', 'HS384', 'HS512'])('a secret signs and verifies %s', async (algorithm) => {
    const keys = await keysOf({ secret, algorithm })
    const token = (await keys.sign?.({ sub: '1', exp: now + 60 })) ?? ''
    expect(await keys.verify(token)).toMatchObject({ outcome: 'valid', claims: { sub: '1' } })
  })

  test.each(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'])(
    'a pair signs and verifies %s, as PEM and as JWK',
    async (algorithm) => {
      const { privateKey, publicKey } = pairFor(algorithm)
      const signing = await keysOf({ privateKey: pem(privateKey, 'pkcs8'), algorithm })
      const token = (await signing.sign?.({ sub: '1', exp: now + 60 })) ?? ''
      const asJwk = JSON.stringify(publicKey.export({ format: 'jwk' }))
      for (const key of [pem(publicKey, 'spki'), asJwk]) {
        const verifying = await keysOf({ publicKey: key, algorithm })
        expect(verifying.sign).toBeNull()
        expect((await verifying.verify(token)).outcome).toBe('valid')
      }
    },
  )

  test('the algorithm of a key is told by its kind', async () => {
    const algorithms = Object.values(pairs).map(
      async ({ publicKey }) => (await keysOf({ publicKey: pem(publicKey, 'spki') })).algorithm,
    )
    expect(await Promise.all(algorithms)).toEqual(['RS256', 'ES256', 'ES384', 'ES512', 'EdDSA'])
  })

  test('a set of keys comes in place or from a URL', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256')
    const set = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256' }] })
    const url = await httpServer((_, response) => response.end(set))
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setExpirationTime('1m')
      .sign(privateKey)
    for (const jwks of [set, `${url}/jwks.json`])
      expect((await (await keysOf({ jwks })).verify(token)).outcome).toBe('valid')
    expect((await keysOf({ jwks: set })).publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----\n/)
    const stranger = await new SignJWT({}).setProtectedHeader({ alg: 'RS256', kid: '../../dev/null' }).sign(privateKey)
    expect(await (await keysOf({ jwks: set })).verify(stranger)).toMatchObject({
      fault: 'no-matching-key',
      text: 'no key of the set fits it',
    })
  })

  test.each([
    [{ secret, algorithm: 'RS256' }, 'is a secret, and RS256 needs a key pair'],
    [
      { publicKey: pem(pairs.RS.publicKey, 'spki'), algorithm: 'HS256' },
      'is a key of a pair, and HS256 needs a secret',
    ],
    [
      { publicKey: pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey, 'spki') },
      'has 1024 bits, and RS256 needs 2048 (RFC 7518, section 3.3)',
    ],
    [{ publicKey: pem(generateKeyPairSync('x25519').publicKey, 'spki') }, 'is of a kind that signs no tokens (x25519)'],
    [
      { publicKey: pem(pairs.ES256.publicKey, 'spki'), algorithm: 'ES384' },
      'cannot be read as PEM, JWK or JWK set, or does not fit ES384',
    ],
    [{ publicKey: 'hunter2' }, 'cannot be read as PEM, JWK or JWK set, or does not fit its algorithm'],
    [{ jwks: '{"keys":1}' }, 'is not a JWK set (RFC 7517)'],
  ])('a key that does not fit is told why (%#)', async (jwt, text) => {
    expect(await load(jwt)).toMatchObject({ outcome: 'unusable', text })
  })

  test.each([
    [{ secret: 'short' }, 'has 5 bytes, and HS256 asks for 32 (RFC 7518, section 3.2)'],
    [{ secret: 's'.repeat(32), algorithm: 'HS512' }, 'has 32 bytes, and HS512 asks for 64 (RFC 7518, section 3.2)'],
    [{ secret: 's'.repeat(32) }, null],
  ])('a secret that is short works all the same (%#)', async (jwt, weakness) => {
    const keys = await keysOf(jwt)
    expect(keys.weakness).toBe(weakness)
    expect((await keys.verify((await keys.sign?.({ exp: now + 60 })) ?? '')).outcome).toBe('valid')
  })

  test('a set that cannot be fetched is told why', async () => {
    const dead = await deadAddress()
    expect(await load({ jwks: `${dead}/jwks.json` })).toMatchObject({
      text: `is a JWK set at ${dead}/jwks.json, which refused the connection`,
    })
    const url = await httpServer((_, response) => response.writeHead(404).end())
    expect(await load({ jwks: url })).toMatchObject({ text: `is a JWK set at ${url}/, which answers with 404` })
  })

  test('a secret may be written in base64', async () => {
    const keys = await keysOf({ secret: Buffer.from(secret).toString('base64'), secretEncoding: 'base64' })
    const token = await (await keysOf({ secret })).sign?.({ exp: now + 60 })
    expect((await keys.verify(token ?? '')).outcome).toBe('valid')
  })
})

describe('verification', () => {
  test.each([
    [{ exp: now - 60 }, 'expired'],
    [{ exp: now + 60, nbf: now + 60 }, 'not-yet-valid'],
    [{ exp: now + 60, iss: 'other' }, 'issuer'],
    [{ exp: now + 60, iss: 'me', aud: 'other' }, 'audience'],
    [{ exp: now + 60, iss: 'me', aud: 'you' }, 'valid'],
    // Clocks differ by a second or two.
    [{ exp: now - 1, iss: 'me', aud: 'you' }, 'valid'],
  ])('%j is %s', async (claims, expected) => {
    const keys = await keysOf({ secret, issuer: 'me', audience: 'you' })
    const token = await keys.sign?.({ iss: 'me', aud: 'you', ...claims })
    // At the moment that the claims speak of, however long a busy machine takes to come here.
    const verified = await keys.verify(token ?? '', now * 1000)
    expect(verified.outcome === 'valid' ? 'valid' : verified.fault).toBe(expected)
  })

  test('a token of another key, another algorithm, or none at all is refused for what it is', async () => {
    const keys = await keysOf({ secret })
    const faultOf = async (token: string) => (await keys.verify(token)) as { fault: string }
    const other = await keysOf({ secret: 'o'.repeat(64) })
    const hs512 = await keysOf({ secret, algorithm: 'HS512' })
    expect(await faultOf((await other.sign?.({})) ?? '')).toMatchObject({ fault: 'signature' })
    expect(await faultOf((await hs512.sign?.({})) ?? '')).toMatchObject({ fault: 'algorithm' })
    expect(await faultOf(new UnsecuredJWT({}).encode())).toMatchObject({ fault: 'algorithm' })
    const token = (await keys.sign?.({})) ?? ''
    for (const broken of [`${token}\n`, ` ${token}`, `${token}.x`, 'x', '', 'a'.repeat(5_000_000)])
      expect(await faultOf(broken)).toMatchObject({ fault: 'malformed', text: 'it is no JSON Web Token' })
  })

  test('any text is decoded or refused, and never believed', async () => {
    const keys = await keysOf({ secret })
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.array(fc.base64String(), { minLength: 3, maxLength: 3 }).map((parts) => parts.join('.')),
        ),
        async (text) => {
          expect((await keys.verify(text)).outcome).toBe('refused')
        },
      ),
    )
  })
})

describe('forgeries', () => {
  test.each(['HS256', 'RS256', 'PS256', 'ES256', 'EdDSA'])('of %s are refused, each one', async (algorithm) => {
    const { privateKey } = pairFor(algorithm)
    const keys = await keysOf(algorithm === 'HS256' ? { secret } : { privateKey: pem(privateKey, 'pkcs8'), algorithm })
    const token = (await keys.sign?.({ sub: '1', exp: now + 60 }, { kid: 'one' })) ?? ''
    const forgeries = await forge(token, keys)
    expect(forgeries.map(({ name }) => name)).toEqual([
      'tampered',
      'unsigned',
      'other-key',
      ...(algorithm === 'HS256' ? [] : ['public-key-as-secret']),
      'expired',
    ])
    for (const forgery of forgeries) expect((await keys.verify(forgery.token)).outcome, forgery.name).toBe('refused')
    // A server that looks a key up by its name must get as far as the signature.
    expect(decode(forgeries[2]?.token ?? '')?.header.kid).toBe('one')
  })

  test('of an opaque token is one with another character', async () => {
    const [forgery, ...others] = await forge('opaque-token', null)
    expect(others).toEqual([])
    expect(forgery?.token).not.toBe('opaque-token')
    expect(forgery?.token).toHaveLength('opaque-token'.length)
  })
})

test('a set that is still being fetched when the time is up is no fault of the key', async () => {
  const url = await socketServer(() => {})
  const limits = limit(performance.now() + 100, new AbortController().signal)
  const hurried = httpClient({ url: null, headers: {}, timeout: 5000, maxBodyBytes: 1000 }, limits)
  const { given } = givenBy(parseConfig({ auth: { jwt: { jwks: url } } }, 'the test'), ['jwt'], {
    environment: {},
    folder: '/',
  })
  await expect(loadKeys(given.jwt as Given['jwt'], hurried)).rejects.toMatchObject({ name: 'Stop', reason: 'deadline' })
})
