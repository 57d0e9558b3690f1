import type { Report, Status } from '../report.js'
import { milliseconds } from '../words.js'
import { engines } from './figures.js'
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

/** What was examined, when, for how long and by whom. */
export function provenance({ target, startedAt, ms, tool }: Report): string {
  const engine = target ? [target.name, engines[target.dialect], target.version] : ['no database']
  return `${escaped(engine.filter(Boolean).join(' · '))} · examined at ${startedAt} in ${milliseconds(ms)} by ${tool.name} ${tool.version}`
}
