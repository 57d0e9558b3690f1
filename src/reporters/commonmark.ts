import type { Status } from '../report.js'
import { inert } from './inert.js'

/** Text as CommonMark shows it: nothing in it is markup. https://spec.commonmark.org/0.31.2/#backslash-escapes */
export function escaped(words: string): string {
  return inert(words).replace(/[\\`*_[\]<>|~&]/g, '\\$&')
}

/** What stands before a result. */
export const marks: Record<Status, string> = {
  pass: '✅',
  warn: '⚠️',
  fail: '❌',
  expected: '⚠️',
  skip: '❔',
  crash: '💥',
}

/** What a verdict is called. */
export const states = {
  healthy: '✅ HEALTHY',
  degraded: '⚠️ DEGRADED',
  unhealthy: '❌ UNHEALTHY',
  inconclusive: '❔ INCONCLUSIVE',
}
