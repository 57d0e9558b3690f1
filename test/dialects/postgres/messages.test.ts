import { sql } from 'kysely'
import { describe, expect, test, vi } from 'vitest'
import { limit } from '../../../src/contracts/limits.js'
import type { Session } from '../../../src/dialects/dialect.js'
import { dialectOf } from '../../../src/dialects/target.js'
import { hung, testDatabase } from '../../support/databases.js'
import { overheard } from '../../support/overheard.js'

/** What is sent once a database is open, until it is closed: of each message, what its statements do. */
async function sent(
  target: string,
  work: (session: Session, said: readonly string[]) => Promise<unknown>,
): Promise<string[]> {
  const way = await overheard(target)
  const limits = limit(performance.now() + hung, new AbortController().signal)
  const opening = await (await dialectOf({ dialect: 'postgres', address: way.target }, {})).open(limits)
  if (opening.outcome !== 'opened') throw new Error(opening.text)
  way.said.length = 0
  await work(opening.database.session(limits), way.said)
  await opening.database.close()
  limits.clear()
  return way.said.map(inShort)
}

/** `begin, one` of a transaction's settings and `select 'one'`. */
function inShort(message: string): string {
  return message
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '' && !/^(set local|select 1 as begun|select pg_catalog\.set_config)/.test(part))
    .map((part) => part.replace(/^begin.*/s, 'begin').replace(/^select '(\w+)'.*/s, '$1'))
    .join(', ')
}

const asking =
  (...words: string[]) =>
  async ({ read }: Session) => {
    for (const word of words) await read((kysely) => sql`select ${sql.lit(word)} as word`.execute(kysely))
  }

// The first of them ends the transaction in which the server was asked who it is.
describe('what is read takes as few journeys as may be', () => {
  test('one, for each that follows another', async () => {
    const { target } = await testDatabase('postgres')
    expect(await sent(target, asking('one', 'two', 'three'))).toEqual([
      'rollback, begin, one',
      'rollback, begin, two',
      'rollback, begin, three',
      'X',
    ])
  })

  test('a transaction after which nothing comes ends by itself', async () => {
    const { target } = await testDatabase('postgres')
    const messages = await sent(target, async (session, said) => {
      await asking('one')(session)
      await vi.waitFor(() => expect(said.at(-1)).toBe('rollback'), { timeout: hung })
      await asking('two')(session)
    })
    expect(messages).toEqual(['rollback, begin, one', 'rollback', 'begin, two', 'X'])
  })

  test('one that asks nothing is never begun', async () => {
    const { target } = await testDatabase('postgres')
    const messages = await sent(target, ({ read }) => read(async () => 'nothing'))
    expect(messages.filter((message) => message.includes('begin'))).toEqual([])
  })

  test('several statements go in one, and each has its rows', async () => {
    const { target } = await testDatabase('postgres')
    const messages = await sent(target, async ({ read }) => {
      const several = await read((kysely) => sql`select 1 as a; select 2 as begun; select 3 as c`.execute(kysely))
      expect(several).toMatchObject({ value: { rows: [[{ a: 1 }], [{ begun: 2 }], [{ c: 3 }]] } })
      const none = await read((kysely) => sql`select 1 as begun where false`.execute(kysely))
      expect(none).toMatchObject({ value: { rows: [] } })
    })
    expect(messages).toHaveLength(3)
  })

  test('a statement with parameters goes alone, after the beginning', async () => {
    const { target } = await testDatabase('postgres')
    const messages = await sent(target, async ({ read }) => {
      const answer = await read((kysely) => sql`select ${5}::int as n`.execute(kysely))
      expect(answer).toMatchObject({ value: { rows: [{ n: 5 }] } })
    })
    expect(messages.slice(0, 2)).toEqual(['rollback, begin', 'P'])
  })

  test('an error ends its transaction at once', async () => {
    const { target } = await testDatabase('postgres')
    const messages = await sent(target, async (session) => {
      const answer = await session.read((kysely) => sql`select 'one' from nowhere`.execute(kysely))
      expect(answer).toMatchObject({ outcome: 'failed', code: '42P01' })
      await asking('two')(session)
    })
    expect(messages).toEqual(['rollback, begin, one', 'rollback', 'begin, two', 'X'])
  })

  test('a rehearsal begins when what was read before has ended, and has ended when its outcome is told', async () => {
    const { target } = await testDatabase('postgres', 'create table t (a int)')
    const messages = await sent(target, async (session, said) => {
      await asking('one')(session)
      const answer = await session.rehearse((kysely) => sql`insert into public.t values (1)`.execute(kysely))
      expect(answer).toMatchObject({ outcome: 'answered' })
      expect(said.at(-1)).toBe('rollback')
    })
    expect(messages.slice(0, 3)).toEqual(['rollback, begin, one', 'rollback', expect.stringMatching(/^begin/)])
  })
})

test.each([
  [
    'where the role has a short time-out of its own, each begins and ends alone',
    900,
    ['begin', 'one', 'rollback', 'X'],
  ],
  ['where it has a long one, it does not', 30_000, ['rollback, begin, one', 'X']],
  ['nor where it has none', 0, ['rollback, begin, one', 'X']],
])('%s', async (_name, timeout, expected) => {
  const { target } = await testDatabase('postgres')
  const url = new URL(target)
  url.searchParams.set('options', `-c statement_timeout=${timeout}`)
  expect(await sent(url.href, asking('one'))).toEqual(expected)
})
