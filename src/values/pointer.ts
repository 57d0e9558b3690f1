import jsonpointer from 'jsonpointer'

/** What a JSON Pointer (RFC 6901) finds in a document; undefined where there is nothing. */
export function get(document: unknown, pointer: string): unknown {
  if (pointer === '') return document
  return typeof document === 'object' && document !== null ? jsonpointer.get(document, pointer) : undefined
}

/** A copy of a document with another value where a JSON Pointer leads. */
export function replaced<T extends object>(document: T, pointer: string, value: unknown): T {
  const copy = structuredClone(document)
  jsonpointer.set(copy, pointer, value)
  return copy
}

/** The keys of a document, as JSON Pointers, without its values: what was there, for somebody who looked for something else. */
export function keysOf(document: unknown, at = '', depth = 2): string[] {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return []
  return Object.entries(document)
    .slice(0, 20)
    .flatMap(([key, value]) => {
      const pointer = `${at}/${key.slice(0, 60).replaceAll('~', '~0').replaceAll('/', '~1')}`
      const below = depth > 1 ? keysOf(value, pointer, depth - 1) : []
      return below.length > 0 ? below : [pointer]
    })
}
