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

/** Neither a success nor a refusal. */
export function undecided(answer: Answering): string {
  return `${answers(answer)}, which is neither a success nor a refusal`
}
