import type { Plain } from './report.js'

/** Shorter texts are found in innocent words; nothing prints them by construction. */
const shortest = 6
const mask = '•••'

/** Knows the secrets of a run, and takes them out of whatever is about to be printed. */
export interface Secrets {
  addSecret(secret: string): void
  /** A copy without any secret in its texts, as it is, percent-encoded or in base64. */
  scrub<T>(value: T): T
}

export function secretsOf(known: Iterable<string>): Secrets {
  const forms = new Set<string>()
  const addSecret = (secret: string) => {
    if (secret.length < shortest) return
    const bytes = Buffer.from(secret)
    for (const form of [
      secret,
      encodeURIComponent(bytes.toString()),
      bytes.toString('base64'),
      bytes.toString('base64url'),
    ])
      forms.add(form)
  }
  for (const secret of known) addSecret(secret)

  const scrub = (value: Plain): Plain => {
    if (typeof value === 'string') return [...forms].reduce((text, form) => text.replaceAll(form, mask), value)
    if (Array.isArray(value)) return value.map(scrub)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, scrub(part)]))
  }
  return { addSecret, scrub: <T>(value: T) => scrub(value as Plain) as T }
}
