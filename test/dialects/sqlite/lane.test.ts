import { setTimeout as sleep } from 'node:timers/promises'
import BetterSqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { laneOf, type Reading } from '../../../src/dialects/sqlite/lane.js'
import type { Work } from '../../../src/dialects/sqlite/transactions.js'
import { afterwards, testDatabase } from '../../support/databases.js'

const limits = { signal: new AbortController().signal, expires: Number.POSITIVE_INFINITY }

async function laneOver(mode: 'wal' | 'delete') {
  const { target } = await testDatabase('sqlite', `pragma journal_mode = ${mode}; create table t (n integer)`)
  const file = target.slice('sqlite:'.length)
  const writer = new BetterSqlite(file, { timeout: 20_000 })
  afterwards(() => writer.close())
  // Somebody who has the file open: a file at rest would be opened anew with each write.
  writer.prepare('select count(*) from t').get()
  const lane = laneOf(file)
  afterwards(() => lane.close())
  const rows = async (reading: Reading, meanwhile = async () => {}) => {
    const work: Work<number> = async (kysely) => {
      const { rows } = await sql<{ n: number }>`select count(*) as n from t`.execute(kysely)
      await meanwhile()
      return rows[0]?.n ?? Number.NaN
    }
    const answer = await lane.read(work, limits, reading)
    return answer.outcome === 'answered' ? answer.value : answer
  }
  // A process that starts is no part of what is measured here.
  await rows({})
  const write = () => writer.prepare('insert into t values (1)').run().changes
  return { rows, write }
}

test('what is next goes on in the transaction that has just begun, where that is good enough', async () => {
  const { rows, write } = await laneOver('wal')
  const joining = { joining: true }
  const written = async () => void write()
  const once = async () => {
    const works = [rows(joining, written), rows(joining), rows({}, written), rows({}), rows(joining)]
    const [first, ...others] = (await Promise.all(works)).map(Number)
    return others.map((seen) => seen - (first ?? 0))
  }
  // A machine that is slow just then has no transaction that is still young.
  await expect.poll(once).toEqual([0, 1, 2, 2])
})

test('but not in one that is no longer young', async () => {
  const { rows, write } = await laneOver('wal')
  const slowly = async () => {
    write()
    await sleep(50)
  }
  expect(await Promise.all([rows({ joining: true }, slowly), rows({ joining: true })])).toEqual([0, 1])
})

test.each(['briefly', 'at leisure'])('the last of them leaves no lock behind (%s)', async (how) => {
  const { rows, write } = await laneOver('delete')
  const reading = { joining: true, briefly: how === 'briefly' }
  expect(await Promise.all([rows(reading), rows(reading)])).toEqual([0, 0])
  // The writer waits in this very process, which does nothing else meanwhile.
  expect(write()).toBe(1)
})
