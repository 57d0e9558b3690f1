import type { Config } from './config.js'
import { interpolated, isReference, literalsReplaced, templateOf } from './reference.js'

const mask = '•••'

/** What is secret by its place. */
const secretPlaces = [
  /^api\.headers\./,
  /^auth\.(accessToken|jwt\.(secret|privateKey))$/,
  /^(auth\.(login|refresh|logout|register)|external\.\d+)\.body\./,
]

/** Names of what nobody should read, wherever they stand. */
const secretName = /pass|pwd|secret|token|credential|cookie|authorization|(api|private)[_-]?key/i

/** What is secret by its looks: a password in an address, `password=…`, a token, a private key. */
const secretLooks: readonly [RegExp, (...match: string[]) => string][] = [
  [
    /^(\s*(?:jdbc:)?[a-z][\w+.-]*:\/\/[^\s/@:]*:)(.*)(@)/is,
    (_, before = '', secret = '', after = '') => `${before}${hidden(secret)}${after}`,
  ],
  [
    /^(\s*https?:\/\/)([^/?#@]*)(@)/i,
    (_, before = '', secret = '', after = '') => `${before}${hidden(secret)}${after}`,
  ],
  [
    /([\w-]*(?:pass|pwd|secret|token|key|auth|credential)[\w-]*\s*=\s*)("[^"]*"|'[^']*'|[^\s&;,]+)/gi,
    (_, before = '', secret = '') => `${before}${hidden(secret)}`,
  ],
  [/eyJ[\w-]+\.[\w-]+\.[\w-]*/g, () => mask],
  [/-----BEGIN[^-]*PRIVATE KEY-----[\s\S]*/, () => mask],
  [/^\s*\{[\s\S]*\}\s*$/, () => mask],
]

/** What stands between a colon and an @ in an address of a database, however it is written: whatever is not understood is masked too. */
const inAddress = /((?:^|[/:])[^\s/@:]*:)(?!\/)([\s\S]*)(@)/

/** A config in which nothing is left that is secret. References stay: they hold nothing. */
export function masked(config: Config): Config {
  const { login } = config.auth
  const open = new Set(login ? [`auth.login.body${login.fields.user.replaceAll('/', '.')}`] : [])
  const walk = (value: unknown, path: string): unknown => {
    const isSecret = !open.has(path) && isSecretPlace(path)
    const clean = (text: string) => without(path === 'database.url' ? withoutPassword(text) : text, isSecret)
    if (isReference(value)) return interpolated(clean(templateOf(value)))
    if (typeof value === 'string') return clean(value)
    if (typeof value === 'number' && isSecret) return mask
    if (Array.isArray(value)) return value.map((part, at) => walk(part, `${path}.${at}`))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, part]) => [key, walk(part, path === '' ? key : `${path}.${key}`)]),
    )
  }
  return walk(config, '') as Config
}

function isSecretPlace(path: string): boolean {
  const inOptions = /^checks\..*\.options\.(.*)/s.exec(path)?.[1]
  return secretPlaces.some((place) => place.test(path)) || (inOptions !== undefined && secretName.test(inOptions))
}

function without(text: string, isSecret: boolean): string {
  if (isSecret) return hidden(text)
  return secretLooks.reduce((clean, [look, replace]) => clean.replace(look, replace), text)
}

function withoutPassword(address: string): string {
  return address.replace(
    inAddress,
    (_, before: string, secret: string, after: string) => `${before}${hidden(secret)}${after}`,
  )
}

function hidden(text: string): string {
  return literalsReplaced(text, () => mask)
}
