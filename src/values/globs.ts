import picomatch from 'picomatch'

/** Tells whether a text matches one of these globs: `audit_log.*`. */
export function matcher(globs: readonly string[]): (text: string) => boolean {
  return globs.length === 0 ? () => false : picomatch([...globs])
}
