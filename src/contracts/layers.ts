/** The layers of a report, bottom up: what stands on what. */
export const layers = [
  'connection',
  'storage',
  'activity',
  'schema',
  'integrity',
  'server',
  'auth',
  'external',
] as const
export type Layer = (typeof layers)[number]

/** The layer that a check belongs to, by its id. */
export function layerOf(id: string): Layer {
  return id.slice(0, id.indexOf('/')) as Layer
}
