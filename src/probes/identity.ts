import { get } from '../values/pointer.js'
import type { Answered } from './http.js'
import { jsonOf } from './sign-in.js'

/** Where a route's answer says who asks, and what it has to say there. */
export interface Identity {
  /** A JSON Pointer, RFC 6901. */
  readonly pointer: string
  readonly equals: string | number
}

/** Why an answer is not about somebody; null where it is. */
export function identityFault(
  { body }: Pick<Answered, 'body'>,
  { pointer, equals }: Identity,
): 'not-json' | 'missing' | 'other' | null {
  const document = jsonOf(body)
  if (document === undefined) return 'not-json'
  const found = get(document, pointer) ?? undefined
  if (found === undefined) return 'missing'
  return String(found).toLowerCase() === String(equals).toLowerCase() ? null : 'other'
}

/** Whether an answer of success names nobody: null, an error in its body, or members that are all empty. `{}` says nothing, nor that. */
export function isNobody({ body }: Pick<Answered, 'body'>): boolean {
  const document = jsonOf(body)
  if (typeof document !== 'object' || document === null) return document !== undefined && isHollow(document)
  const members = Array.isArray(document) ? [] : Object.entries(document)
  return members.length > 0 && (isHollow(document) || members.some(isError))
}

/**
 * Whether an answer of success keeps from whoever asks what it shows to somebody who is signed in: many servers answer a stranger with 200
 * and null. `signedIn` is the answer to a token that is known to be good.
 */
export function isWithheld(
  answer: Pick<Answered, 'body'>,
  signedIn: Pick<Answered, 'body'>,
  identity?: Identity | undefined,
): boolean {
  if (identity && identityFault(signedIn, identity) === null) {
    const fault = identityFault(answer, identity)
    return fault === 'not-json' || fault === 'missing'
  }
  return (isNobody(answer) && !isNobody(signedIn)) || isLess(jsonOf(answer.body), jsonOf(signedIn.body))
}

/**
 * Whether a document keeps back what another one shows: an object of it is empty, or more of its values than not. That a value or two are
 * empty says no more than that somebody else is shown.
 */
function isLess(one: unknown, other: unknown): boolean {
  if (isHollow(other)) return false
  if (isHollow(one)) return true
  if (typeof other !== 'object' || other === null || Array.isArray(other)) return false
  if (typeof one !== 'object' || one === null || Array.isArray(one)) return true
  const filled = Object.entries(other).filter(([, value]) => !isHollow(value))
  const own = one as Record<string, unknown>
  const kept = filled.filter(([key]) => !isHollow(own[key]))
  return 2 * kept.length < filled.length || filled.some(([key, value]) => isObject(value) && isLess(own[key], value))
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isError([key, value]: [key: string, value: unknown]): boolean {
  return /^(errors?|error_code|error_description)$/i.test(key) && !isHollow(value)
}

/** Nothing, or nothing but nothing. */
function isHollow(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).every(isHollow)
  return value === undefined || value === null || value === false || value === ''
}
