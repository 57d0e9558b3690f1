import { readFileSync } from 'node:fs'
import type { DialectName } from '../../src/dialects/dialect.js'

/** The statements that make a healthy database of everything odd. */
export function zooOf(kind: DialectName | 'postgres-18'): string {
  return readFileSync(new URL(`./${kind}.sql`, import.meta.url), 'utf8')
}
