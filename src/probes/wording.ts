/** Sentences that checks of servers share, as their `messages`; a check of your own may, too. */

interface Answering {
  readonly url: string
  readonly status: number
  /** What was asked with, where that matters: `a weak password`. */
  readonly what?: string
  /** When to ask again, where the server says so. */
  readonly again?: string
}

const answers = ({ url, status, what, again = '' }: Answering) =>
  `${url} answers${what === undefined ? '' : ` ${what}`} with ${status}${again}`

/** No answer came: what happened, in the words of `told`. */
export function unanswered({ text }: { readonly url: string; readonly text: string; readonly code: string }): string {
  return text
}

/** A status from 500 on. */
export function erroring(answer: Answering): string {
  return `${answers(answer)}: the server fails on its own side`
}

/**
 * Whether a finding is a server's failure at what it was asked, or its silence, whichever check reports it: what follows where a server cannot
 * work with its database. That nobody is there, or only a proxy, is none.
 */
export function isServerFault({ address }: { readonly address: string }): boolean {
  return /^(server|auth|external)\/.*#(erroring|unanswered|database-down|unwell|unexpected|wrong-password-(unanswered|differs))$/.test(
    address,
  )
}

/** The same, and that nobody is let in: a server whose database is out can find no user. */
export function isServerAtALoss(finding: { readonly address: string }): boolean {
  return isServerFault(finding) || /^auth\/login#(refused|denied)$/.test(finding.address)
}

/** Neither a success nor a refusal. */
export function undecided(answer: Answering): string {
  return `${answers(answer)}, which is neither a success nor a refusal`
}
