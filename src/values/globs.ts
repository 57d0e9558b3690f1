import picomatch from 'picomatch'

/** Tells whether a text is one of these, or matches it as a glob: `audit_log.*`. */
export function matcher(globs: readonly string[]): (text: string) => boolean {
  if (globs.length === 0) return () => false
  const matches = picomatch([...globs])
  return (text) => globs.includes(text) || matches(text)
}
