/** Whether values of two types compare as equal when they look equal. SQLite's columns may have no type. */
export function comparable(one: string, other: string): boolean {
  const [a, b] = [family(one), family(other)]
  return a !== null && a === b
}

/** Whether keys are of such a type: points in time, fractions and documents are none. */
export function isKeyType(type: string): boolean {
  return family(type) !== null
}

/** Whether a type is one of whole numbers. */
export function isNumber(type: string): boolean {
  return family(type) === 'integer'
}

/** Types whose values compare as equal when they look equal; null for those that are no keys. */
function family(type: string): string | null {
  const bare = type
    .toLowerCase()
    .replace(/\s*\(.*\)/, '')
    .replace(/\bunsigned\b|\bzerofill\b/g, '')
    .trim()
  if (/int|serial|^number$|^numeric$|^decimal$/.test(bare) && !/interval|point/.test(bare)) return 'integer'
  if (/char|text|clob|string|citext/.test(bare)) return 'text'
  if (/uuid|uniqueidentifier/.test(bare)) return 'uuid'
  if (/bool|date|time|interval|real|double|float|json|xml|bytea|blob|binary|money|point|range|array|\[\]/.test(bare))
    return null
  return bare
}
