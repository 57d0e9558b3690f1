import { type Answered, decode, defineCheck, givingAnswer, lasting, milliseconds, type Token } from 'dbdoctor'

interface Evidence {
  readonly name: 'access token' | 'refresh token'
}

interface Skewed extends Evidence {
  readonly ms: number
  /** The Date header says that the server's own clock is right. */
  readonly agreed: boolean
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
  capability: 'JWT tokens',
  promises: ({ jwt: { accessTokenLifetime, refreshTokenLifetime } }) => ({
    'access token lifetime': accessTokenLifetime === undefined ? undefined : lasting(accessTokenLifetime),
    'refresh token lifetime': refreshTokenLifetime === undefined ? undefined : lasting(refreshTokenLifetime),
  }),
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
    'expiry-no-number': ({ name }: Evidence) =>
      `the ${name} has an "exp" that is no number of seconds (RFC 7519, section 2)`,
    'issued-in-future': ({ name, ms, agreed }: Skewed) =>
      `the ${name} says that it is issued ${milliseconds(ms)} from now: ${agreed ? "whoever issues it has a clock that runs ahead, though the server's Date header agrees with this one" : "the server's clock runs ahead"}`,
    'issued-in-past': {
      severity: 'warning',
      say: ({ name, ms, left }: Skewed & { left: number }) =>
        `the ${name} was got just now and says that it was issued ${milliseconds(ms)} ago: whoever issues it has a clock that runs behind, or hands out old ones; ${lasting(left)} are left of it`,
    },
    'expired-on-arrival': ({ name, ms }: Skewed) =>
      `the ${name} was got just now and expired ${milliseconds(ms)} ago: whoever issues it has a clock that runs behind`,
    'clock-skew': {
      severity: 'warning',
      say: ({ ms }: { ms: number }) =>
        `the server's clock is ${milliseconds(Math.abs(ms))} ${ms > 0 ? 'ahead of' : 'behind'} this one`,
    },
  },
  async run({ user, keys: load, given: { jwt }, report, coverage, observed, saw, skip }) {
    const signedIn = await user.signIn()
    const { tokens } = signedIn
    const loading = await load()
    if (!tokens) return skip('blocked', 'by auth/login: there is no token to look at')
    if (loading?.outcome !== 'loaded')
      return skip('blocked', `by auth/jwt-round-trip: the configured key ${loading?.text ?? 'is missing'}`)
    const seen = coverage('token')
    const answered = givingAnswer(signedIn)
    const skew = answered ? skewOf(answered) : 0
    if (skew !== 0) report('clock-skew', { ms: skew })
    // A clock that is off is said once, and not held against the tokens.
    const now = (answered?.at ?? Date.now()) + skew
    const agreed = answered?.skew != null && skew === 0

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
        const { exp } = decode(value)?.claims ?? {}
        if (exp !== undefined && typeof exp !== 'number') return report('expiry-no-number', { name })
        if (fault === 'expired' && answered && typeof exp === 'number')
          return report('expired-on-arrival', { name, ms: Math.round(now - exp * 1000), agreed })
        return report('invalid', { name, fault, text })
      }
      // A refresh token may be signed with a key of its own: what it says of itself is still to be kept.
      const { exp, iat = now / 1000 } = decode(value)?.claims ?? {}
      if (exp !== undefined && typeof exp !== 'number') return report('expiry-no-number', { name })
      if (exp === undefined) return report('no-expiry', { name })
      if (exp > 50_000_000_000) return report('expiry-in-milliseconds', { name })
      if (iat * 1000 > now + jwt.tolerance)
        report('issued-in-future', { name, ms: Math.round(iat * 1000 - now), agreed })
      const age = now - iat * 1000
      // A second is cut off, and the answer took its time.
      if (answered && name === 'access token' && age > jwt.tolerance + 1000 + answered.ms)
        report('issued-in-past', {
          name,
          ms: Math.round(age),
          agreed,
          left: Math.max(0, Math.round((exp * 1000 - now) / 1000) * 1000),
        })
      const lifetime = (exp - iat) * 1000
      observed(`${name} lifetime`, lasting(lifetime))
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
