import type { Report, Status } from '../report/report.js'
import { inert } from '../values/inert.js'
import { milliseconds } from '../values/text.js'
import { placeOf } from './figures.js'

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

/** Statements and programs that steps begin with. What begins otherwise, with a capital letter, is a sentence. */
const sqlVerbs =
  /^(select|with|explain|show|reindex|vacuum|analyze|grant|revoke|begin|delete from|insert into|update|pragma|set [a-z_]+ =|(alter|create|drop) (table|index|unique|role|database|extension|collation|sequence|trigger|view|schema|system|subscription|publication|domain))[ ;]/
const programs =
  /^(dbdoctor|psql|pg_\w+|sqlite3|git|ls|namei|file|df|ss|ps|lsof|kill|docker|systemctl|journalctl|openssl|curl|getent|gunzip|unzip|cp|mv|tail|dmesg|npx|alembic|python|flyway|liquibase|mix|migrate) /

/** A step as items of a list: a command or a statement as a fenced block, as it is typed, and a sentence as text. */
export function stepLines(step: string, indent = ''): string[] {
  const language = languageOf(step)
  if (language === null) return [`${indent}- ${escaped(step)}`]
  const lines = step.split('\n').map(inert)
  const fence = fenceFor(lines, 3)
  return [`${indent}- ${fence}${language}`, ...[...lines, fence].map((line) => `${indent}  ${line}`)]
}

/** A step within a line. */
export function stepText(step: string): string {
  if (languageOf(step) === null) return escaped(step)
  const code = inert(step)
  const fence = fenceFor([code], 1)
  return `${fence} ${code} ${fence}`
}

function languageOf(step: string): string | null {
  return sqlVerbs.test(step) ? 'sql' : programs.test(step) ? 'sh' : null
}

/** More backticks than the code has in a row. https://spec.commonmark.org/0.31.2/#fenced-code-blocks */
function fenceFor(lines: readonly string[], least: number): string {
  const runs = lines.flatMap((line) => (line.match(/`+/g) ?? []).map(({ length }) => length + 1))
  return '`'.repeat(Math.max(least, ...runs))
}

/** What was examined, when, for how long and by whom. */
export function provenance(report: Report): string {
  const { api, startedAt, ms, tool } = report
  const place = [placeOf(report), ...(api === undefined ? [] : [`API at ${api}`])].join(' · ')
  return `${escaped(place)} · examined at ${startedAt} in ${milliseconds(ms)} by ${tool.name} ${tool.version}`
}
