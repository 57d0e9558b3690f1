import { type Answered, decode, defineCheck, lasting, milliseconds, type Token } from 'dbdoctor'

interface Evidence {
  readonly name: 'access token' | 'refresh token'
}

export default defineCheck({
  id: 'auth/token',
  title: 'Tokens verify, and live as long as promised',
  severity: 'error',
  after: ['auth/login', 'auth/jwt-round-trip'],
  needs: ['api', 'jwt', 'session'],
  docs: {
    why: 'Servers that sign with different keys refuse each other’s users. A token without an end is a password that nobody can change.',
    fix: 'Give every server the same key and algorithm; set the lifetimes that you promise; keep clocks in step.',
  },
  messages: {
    'no-jwt': ({ name }: Evidence) => `the ${name} is no JSON Web Token`,
    'other-key': ({ name }: Evidence) => `the server signs its ${name}s with another key than the configured one`,
    'other-algorithm': ({ name, text }: Evidence & { text: string }) => `the ${name} is signed otherwise: ${text}`,
    invalid: ({ name, text }: Evidence & { text: string; fault: string }) => `the ${name} does not verify: ${text}`,
    'no-expiry': ({ name }: Evidence) => `the ${name} never expires: it has no "exp"`,
    'expiry-in-milliseconds': ({ name }: Evidence) =>
      `the ${name} expires in tens of thousands of years: its "exp" counts milliseconds, and seconds are meant (RFC 7519)`,
    'lifetime-differs': ({ name, lifetime, promised }: Evidence & { lifetime: number; promised: number }) =>
      `the ${name} lives for ${lasting(lifetime)}, ${lasting(promised)} promised`,
    'issued-in-future': ({ name, ms }: Evidence & { ms: number }) =>
      `the ${name} says that it is issued ${milliseconds(ms)} from now: the server's clock runs ahead`,
    'clock-skew': {
      severity: 'warning',
      say: ({ ms }: { ms: number }) =>
        `the server's clock is ${milliseconds(Math.abs(ms))} ${ms > 0 ? 'ahead of' : 'behind'} this one`,
    },
  },
  async run({ user, keys: load, given: { jwt }, report, coverage, saw, skip }) {
    const { right, tokens } = await user.signIn()
    const loading = await load()
    if (!tokens) return skip('blocked', 'by auth/login: there is no token to look at')
    if (loading?.outcome !== 'loaded')
      return skip('blocked', `by the configured key, which ${loading?.text ?? 'is missing'}`)
    const seen = coverage('token')
    const answered = right?.outcome === 'answered' ? right : null
    const skew = answered ? skewOf(answered) : 0
    if (skew !== 0) report('clock-skew', { ms: skew })
    // A clock that is off is said once, and not held against the tokens.
    const now = Date.now() + skew

    const examine = async (name: Evidence['name'], { value }: Token, promised: number | undefined) => {
      if (!decode(value)) {
        if (name === 'access token') return report('no-jwt', { name })
        return seen.missing(name, 'unavailable', 'it is opaque: its lifetime cannot be seen', true)
      }
      seen.examined()
      const verified = await loading.keys.verify(value, now)
      if (verified.outcome === 'refused' && (name === 'access token' || verified.fault === 'expired')) {
        const { fault, text } = verified
        if (fault === 'signature' || fault === 'no-matching-key') return report('other-key', { name })
        if (fault === 'algorithm') return report('other-algorithm', { name, text })
        return report('invalid', { name, fault, text })
      }
      // A refresh token may be signed with a key of its own: what it says of itself is still to be kept.
      const { exp, iat = now / 1000 } = decode(value)?.claims ?? {}
      if (typeof exp !== 'number') return report('no-expiry', { name })
      if (exp > 50_000_000_000) return report('expiry-in-milliseconds', { name })
      if (iat * 1000 > now + jwt.tolerance) report('issued-in-future', { name, ms: Math.round(iat * 1000 - now) })
      const lifetime = (exp - iat) * 1000
      if (promised !== undefined && Math.abs(lifetime - promised) > jwt.tolerance)
        report('lifetime-differs', { name, lifetime, promised })
      return lifetime
    }

    const access = await examine('access token', tokens.access, jwt.accessTokenLifetime)
    const refresh = tokens.refresh && (await examine('refresh token', tokens.refresh, jwt.refreshTokenLifetime))
    const lives = [access, refresh].filter((lifetime) => typeof lifetime === 'number').map(lasting)
    saw([loading.keys.algorithm, ...lives].join(', '))
  },
})

/** How far the server's clock is ahead, in milliseconds; what a Date header's whole seconds and the time of waiting explain is none. */
function skewOf({ skew, ms }: Answered): number {
  return skew !== null && Math.abs(skew) > 5000 + ms ? skew : 0
}
