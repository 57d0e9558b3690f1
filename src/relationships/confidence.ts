import type { Inferred } from './inferred.js'

/** The share of values that have to have a parent before names are believed. */
export const believed = { strong: 0.5, weak: 0.95 } as const

/** Names alone, then what the rows say of them; never as sure as a declaration. */
export function confidenceOf({ trust }: Inferred, matched: number, keyed: number): number {
  const byName = trust === 'strong' ? 0.9 : 0.6
  if (keyed === 0) return byName
  const share = matched / keyed
  if (share < believed[trust]) return Math.round(share * 20) / 100
  // Ten values that are all there say nearly as much as a thousand.
  const weight = Math.min(1, keyed / 10)
  return Math.round((byName + (0.99 - byName) * share * weight) * 100) / 100
}
