import { milliseconds } from '../values/text.js'

/** Why there is no answer. */
export type UnansweredOutcome =
  | 'refused'
  | 'unresolved'
  | 'timeout'
  | 'closed'
  | 'reset'
  | 'tls'
  | 'not-http'
  | 'malformed'
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
export function triage(
  error: Error & { readonly code?: string | undefined },
  phase: Phase,
  late: boolean,
  timeout: number,
): Told {
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
  if (/^Z_|^ERR_(BROTLI|ZSTD)/.test(code))
    return { outcome: 'cut-off', code, text: `answers with a body that cannot be decoded (${code})` }
  if (phase === 'body') return { outcome: 'cut-off', code, text: 'broke off in the middle of its answer' }
  if (foreign.test(code)) return { outcome: 'not-http', code, text: 'answers, but not in HTTP' }
  if (code.startsWith('HPE_')) return { outcome: 'malformed', code, text: malformed(code) }
  if (phase === 'tls') return { outcome: 'tls', code, text: 'closed the connection instead of speaking TLS' }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return error.message.includes('hang up')
      ? { outcome: 'closed', code, text: 'closed the connection without an answer' }
      : { outcome: 'reset', code, text: 'reset the connection' }
  }
  return { outcome: 'other', code, text: `could not be asked: ${code || error.name}` }
}

/** What Node's parser says of bytes that are no HTTP at all. */
const foreign = /^HPE_(INVALID_CONSTANT|INVALID_VERSION|INVALID_METHOD|UPGRADE|CLOSED_CONNECTION)$/

/** What is wrong with an answer that begins like one: https://www.rfc-editor.org/rfc/rfc9112. */
function malformed(code: string): string {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return 'answers with headers that are too large'
    case 'HPE_INVALID_STATUS':
      return 'answers with a status that HTTP does not have'
    case 'HPE_UNEXPECTED_CONTENT_LENGTH':
    case 'HPE_INVALID_CONTENT_LENGTH':
    case 'HPE_INVALID_TRANSFER_ENCODING':
      return `answers with headers that contradict each other on its length (${code})`
    default:
      return `answers in HTTP that is malformed (${code})`
  }
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
