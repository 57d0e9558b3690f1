import { defineCheck, forge, lasting } from 'dbdoctor'

export default defineCheck({
  id: 'auth/jwt-round-trip',
  title: 'The configured key signs and verifies tokens',
  severity: 'error',
  after: [],
  needs: ['jwt'],
  docs: {
    why: 'A key that does not load, does not fit its algorithm or is too short breaks every login, or guards none.',
    fix: 'Correct auth.jwt in the config and in the server alike: the key, its encoding, its algorithm.',
  },
  messages: {
    unusable: ({ text }: { fault: string; text: string }) => `the configured key ${text}`,
    weak: {
      severity: 'warning',
      say: ({ text }: { text: string }) => `the configured key works, and is weak: it ${text}`,
    },
    'not-verified': ({ text }: { text: string }) => `a token signed with the configured key does not verify: ${text}`,
    'forgery-accepted': ({ what }: { what: string }) => `a token ${what} verifies with the configured key`,
  },
  async run({ keys: load, given: { jwt }, report, saw }) {
    const loading = await load()
    if (loading?.outcome !== 'loaded')
      return loading ? report('unusable', { fault: loading.fault, text: loading.text }) : undefined
    const { keys } = loading
    if (keys.weakness !== null) report('weak', { text: keys.weakness })
    const second = Math.floor(Date.now() / 1000)
    const lifetime = jwt.accessTokenLifetime ?? 900_000
    const claims = {
      sub: 'dbdoctor',
      iat: second,
      exp: second + lifetime / 1000,
      ...(jwt.issuer !== undefined && { iss: jwt.issuer }),
      ...(jwt.audience !== undefined && { aud: jwt.audience }),
    }
    const signed = await keys.sign?.(claims)
    if (signed !== undefined) {
      const verified = await keys.verify(signed)
      if (verified.outcome === 'refused') return report('not-verified', { text: verified.text })
    }
    for (const { token, what } of await forge(signed ?? unsigned(keys.algorithm, claims), keys)) {
      const verified = await keys.verify(token)
      if (verified.outcome === 'valid') report('forgery-accepted', { what })
    }
    saw(`${keys.algorithm}, ${keys.sign ? `${lasting(lifetime)}` : 'verifies only'}`)
  },
})

/** A token to forge from, where no key can sign one. */
function unsigned(algorithm: string, claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: algorithm, typ: 'JWT' })}.${part(claims)}.${'A'.repeat(86)}`
}
