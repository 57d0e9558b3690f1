import type { z } from 'zod'

/** What is wrong with a setting, a fault a text: where it is, what it should be, and the type of what it is, never the value. `root` is what the whole is called. */
export function faultsOf({ issues }: z.ZodError, at: readonly PropertyKey[], root = 'config'): string[] {
  return issues.flatMap((issue) => faultsIn(issue, at, root))
}

function faultsIn(issue: z.core.$ZodIssue, at: readonly PropertyKey[], root: string): string[] {
  const path = [...at, ...issue.path]
  if (issue.code === 'invalid_union') {
    // Of the ways to write a setting, the one that its author has begun with.
    const begun = issue.errors.find(
      (branch) => !branch.some((fault) => fault.path.length === 0 && isOfOtherType(fault)),
    )
    if (begun) return begun.flatMap((fault) => faultsIn(fault, path, root))
  }
  const untold = isOfOtherType(issue) || (issue.code === 'invalid_union' && issue.errors.length > 0)
  const type = untold && !issue.message.includes('received') ? typeOf(issue.input) : ''
  return [`${pathOf(path) || root}: ${issue.message}${type && `; it is ${type}`}`]
}

function isOfOtherType({ code }: z.core.$ZodIssue): boolean {
  return code === 'invalid_type' || code === 'invalid_value' || code === 'custom'
}

function typeOf(value: unknown): string {
  if (value === undefined) return ''
  if (value === null || Array.isArray(value)) return value === null ? 'null' : 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** An object path as it is written in the config: `database.expect.rows["order lines"]`. */
function pathOf(path: readonly PropertyKey[]): string {
  const written = path.map((key) =>
    typeof key === 'string' && /^[\w$]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`,
  )
  return written.join('').replace(/^\./, '')
}
