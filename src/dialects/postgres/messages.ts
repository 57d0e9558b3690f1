import type pg from 'pg'

/** What is noted of a statement: its text, and how long its answer took in milliseconds. */
type Noted = (statement: string, ms: number) => void

/** What ends a beginning: its result is known by its column, and those after it are of what was asked. */
const mark = 'begun'

/**
 * Statements for a server, in as few messages as may be: a transaction's end and the next one's beginning go with the statement that comes
 * then. Over a distance it is the journeys that take the time.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
 */
export function messagesTo(client: pg.Client, noted: Noted, onLost: () => void) {
  let beginning: string | undefined
  let unended = false
  let failed = false
  let ending: Promise<unknown> | undefined

  const send = async (text: string, parameters?: unknown[]) => {
    try {
      const answer: pg.QueryResult | pg.QueryResult[] = await client.query(text, parameters)
      return Array.isArray(answer) ? answer : [answer]
    } catch (error) {
      failed = true
      throw error
    }
  }

  const endAlone = () => {
    if (!unended) return
    unended = false
    const under = client.query('rollback').catch(onLost)
    ending = under
    void under.finally(() => {
      if (ending === under) ending = undefined
    })
  }

  /** What has to go before the next statement. */
  const take = (): string | undefined => {
    const opening = beginning
    if (opening === undefined) return undefined
    noted(opening, 0)
    const before = `${unended ? 'rollback; ' : ''}${opening}; select 1 as ${mark}`
    beginning = undefined
    unended = false
    return before
  }

  return {
    async query(text: string, parameters: unknown[]): Promise<pg.QueryResult> {
      // What begins elsewhere begins after the end.
      if (beginning === undefined) endAlone()
      // Two at once would be one after the other, and pg warns of that.
      await ending
      const before = take()
      // The extended protocol takes one statement a message.
      if (before !== undefined && parameters.length > 0) await send(before)
      const joined = before !== undefined && parameters.length === 0
      const results = await send(joined ? `${before}; ${text}` : text, parameters)
      return inOne(joined ? afterBeginning(results) : results)
    },

    /** Begins a transaction with the next statement. */
    begin(statements: string): void {
      beginning = statements
      failed = false
    },

    /**
     * Ends it, by a rollback: with the statement that begins the next one, should that come at once, or alone. Settles when nobody need
     * wait for that: an error has ended what was local to the transaction, and the role's own time-out may end the session.
     */
    async rollback(): Promise<void> {
      if (beginning !== undefined) {
        // Nothing was asked.
        beginning = undefined
        return
      }
      noted('rollback', 0)
      unended = true
      if (failed) {
        failed = false
        endAlone()
        await ending
      } else setImmediate(endAlone)
    },

    /** Whether a transaction's end is on its way. */
    get isEnding() {
      return ending !== undefined
    },

    /** Settles when nothing is on its way. What was not sent yet is not: whoever goes away ends what is open. */
    async ended(): Promise<void> {
      unended = false
      await ending
    },
  }
}

/** A message of several statements answers with the rows of each, in their order. */
function inOne(results: readonly pg.QueryResult[]): pg.QueryResult {
  const [first, ...more] = results
  if (first && more.length === 0) return first
  return { ...(results.at(-1) as pg.QueryResult), rows: results.map(({ rows }) => rows) }
}

function afterBeginning(results: readonly pg.QueryResult[]): readonly pg.QueryResult[] {
  return results.slice(results.findIndex(({ fields }) => fields[0]?.name === mark) + 1)
}
