import type { Relationship } from '../dialects/dialect.js'

/** A relationship that nobody declared, told from names, types and keys. */
export interface Inferred extends Relationship {
  readonly inferred: true
  /** What speaks for it. */
  readonly why: string
  /** `strong`: the name alone would do. `weak`: it takes the rows to believe it. */
  readonly trust: 'strong' | 'weak'
}
