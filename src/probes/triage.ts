import { milliseconds } from '../words.js'

/** Why there is no answer. */
export type UnansweredOutcome =
  | 'refused'
  | 'unresolved'
  | 'timeout'
  | 'closed'
  | 'reset'
  | 'tls'
  | 'not-http'
  | 'cut-off'
  | 'too-large'
  | 'other'

/** How far a request came. */
export type Phase = 'lookup' | 'connect' | 'tls' | 'response' | 'body'

interface Told {
  readonly outcome: UnansweredOutcome
  readonly code: string
  readonly text: string
}

/** What a failed request means: by its code, and by how far it came. */
export function triage(error: NodeJS.ErrnoException, phase: Phase, late: boolean, timeout: number): Told {
  const code = error.code ?? ''
  if (late) return { outcome: 'timeout', code: 'ETIMEDOUT', text: silences[phase](milliseconds(timeout)) }
  if (code === 'ECONNREFUSED') return { outcome: 'refused', code, text: 'refused the connection' }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return { outcome: 'unresolved', code, text: 'has a host name that does not resolve' }
  if (code === 'ETIMEDOUT' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH')
    return { outcome: 'timeout', code, text: `cannot be reached: ${code}` }
  if (isCertificateFault(code)) return { outcome: 'tls', code, text: `has a certificate that is not accepted: ${code}` }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL'))
    return { outcome: 'tls', code, text: 'does not speak TLS, or no version in common' }
  if (phase === 'body') return { outcome: 'cut-off', code, text: 'broke off in the middle of its answer' }
  if (code.startsWith('HPE_')) return { outcome: 'not-http', code, text: 'answers, but not in HTTP' }
  if (phase === 'tls') return { outcome: 'tls', code, text: 'closed the connection instead of speaking TLS' }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return error.message.includes('hang up')
      ? { outcome: 'closed', code, text: 'closed the connection without an answer' }
      : { outcome: 'reset', code, text: 'reset the connection' }
  }
  return { outcome: 'other', code, text: `could not be asked: ${code || error.name}` }
}

const silences: Record<Phase, (time: string) => string> = {
  lookup: (time) => `has a host name that did not resolve within ${time}`,
  connect: (time) => `did not accept a connection within ${time}`,
  tls: (time) => `did not finish the TLS handshake within ${time}`,
  response: (time) => `accepts connections, and did not answer within ${time}`,
  body: (time) => `began to answer, and did not end within ${time}`,
}

function isCertificateFault(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|^ERR_TLS/.test(code)
}
