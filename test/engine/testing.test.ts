import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { examine, said, type TestDatabase } from '../../bin/testing.js'
import foreignKeys from '../../checks/integrity/foreign-keys.js'
import { defineCheck, sql, z } from '../../src/index.js'
import { onEachDialect } from '../support/databases.js'

const crowded = defineCheck({
  id: 'integrity/crowded',
  title: 'There is room',
  severity: 'warning',
  after: ['connection/opens'],
  docs: { why: 'it is small', fix: 'make room' },
  options: z.strictObject({ room: z.int().default(2) }),
  messages: { full: ({ rows }: { rows: number }) => `${rows} in the room` },
  async run({ db, options, report, saw, skip }) {
    const catalog = await db.catalog()
    if (catalog.outcome === 'failed') return skip(catalog.reason ?? 'unavailable', catalog.text)
    const table = sql.id(catalog.value.defaultSchema, 'room')
    const answer = await db.read(async (kysely) => {
      const { rows } = await sql<{ n: number }>`select count(*) as n from ${table}`.execute(kysely)
      return Number(rows[0]?.n)
    })
    if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
    // The compiler knows what the options are.
    const room: number = options.room
    if (answer.value > room) report('full', { rows: answer.value })
    saw(`${answer.value} of ${room}`)
  },
})

onEachDialect((dialect) => {
  const database = (ddl: string): TestDatabase =>
    dialect === 'sqlite' ? { sqlite: ddl } : { postgres: inject('postgres'), ddl }
  const three = database('create table room (id int); insert into room values (1), (2), (3);')

  test('a check of one’s own is run as the command line runs it', async () => {
    expect(said(await examine(crowded, three))).toEqual(['3 in the room'])
    const roomy = { config: { checks: { 'integrity/crowded': { options: { room: 3 } } } } }
    expect(await examine(crowded, three, roomy)).toMatchObject({ status: 'pass', saw: '3 of 3', asked: true })
    expect(said(await examine(crowded, database('')))).toMatch(/^skip: unavailable: .*room/)
  })

  test('a check that comes with dbdoctor is one like any other', async () => {
    const ddl = 'create table a (id int primary key); create table b (a_id int references a (id));'
    expect(said(await examine(foreignKeys, database(ddl)))).toBe('pass')
  })

  test('statements that fail are told as the database tells them', async () => {
    await expect(examine(crowded, database('create nonsense'))).rejects.toThrow(/syntax error/)
  })
})

describe('what a throw-away database leaves', () => {
  const remember = (targets: string[]) =>
    defineCheck({
      ...crowded,
      messages: { full: () => 'full' },
      options: z.strictObject({}),
      run: async ({ db, saw }) => {
        const answer = await db.read(async (kysely) => {
          const { rows } = await sql<{ file: string }>`select file from pragma_database_list`.execute(kysely)
          return rows[0]?.file ?? ''
        })
        if (answer.outcome === 'answered') targets.push(answer.value)
        saw('it')
      },
    })

  test('nothing, whatever became of the check', async () => {
    const files: string[] = []
    expect(said(await examine(remember(files), { sqlite: '' }))).toBe('pass')
    expect(files).toHaveLength(1)
    const folder = dirname(files[0] ?? '')
    expect(folder.startsWith(tmpdir())).toBe(true)
    await expect(readdir(folder)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('nothing on the server either', async () => {
    const postgres = inject('postgres')
    const names = defineCheck({
      ...crowded,
      messages: { full: () => 'full' },
      options: z.strictObject({}),
      async run({ db, saw }) {
        const answer = await db.read(async (kysely) => {
          const { rows } = await sql<{ it: string; others: number }>`
            select current_database() as it, (select count(*)::int from pg_database where datname = ${own}) as others`.execute(
            kysely,
          )
          return rows[0]
        })
        if (answer.outcome === 'failed' || !answer.value) return
        own ||= answer.value.it
        saw(String(answer.value.others))
      },
    })
    let own = ''
    await examine(names, { postgres, ddl: '' })
    expect(own).toMatch(/^dbdoctor_scratch_/)
    expect((await examine(names, { postgres, ddl: '' })).saw).toBe('0')
  })
})
