import { createHash } from 'node:crypto'
import type { Plain } from './report.js'

/** What only a repair needs to know. */
const ofRepairs = 'repaired'

/** Evidence as a report keeps it: plain data, and no row values unless the user asked for them. */
export function plainEvidence(evidence: object, showValues: boolean): { readonly [key: string]: Plain } {
  return Object.fromEntries(
    Object.entries(evidence)
      .filter(([key, value]) => value !== undefined && key !== ofRepairs)
      .map(([key, value]) => [key, key === 'samples' && !showValues ? masked(value) : plain(value)]),
  )
}

/** What stays the same when the same fault is found again: the address and the objects, not how many rows or which. */
export function fingerprintOf(address: string, evidence: { readonly [key: string]: Plain }): string {
  const objects = [
    'schema',
    'table',
    'columns',
    'index',
    'constraint',
    'sequence',
    'parent',
    'parentColumns',
    'url',
    'name',
  ]
  // These came later: where a finding has none of them, its fingerprint is what it was.
  const further = ['kind', 'of', 'database', 'condition', 'role', 'application'].flatMap((key) =>
    evidence[key] === undefined ? [] : [[key, evidence[key]]],
  )
  const identity = JSON.stringify([address, ...objects.map((key) => evidence[key] ?? null), ...further])
  return createHash('sha256').update(identity).digest('hex').slice(0, 16)
}

function plain(value: unknown): Plain {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString()
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]))
  return String(value)
}

/**
 * Whole numbers and places of rows lead to a row without telling what is in it; any other value may be somebody's name, and a text of digits
 * the number of their card.
 */
function masked(value: unknown): Plain {
  if (typeof value === 'string') return /^\(\d+,\d+\)$/.test(value) ? value : `text of ${value.length}`
  if (typeof value === 'number' && !Number.isInteger(value)) return 'a number'
  if (value instanceof Date) return 'a time'
  if (value instanceof Uint8Array) return `blob of ${value.length}`
  if (Array.isArray(value)) return value.map(masked)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, masked(part)]))
  return plain(value)
}
