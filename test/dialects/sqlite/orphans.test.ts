import BetterSqlite from 'better-sqlite3'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { examineOne, testDatabase } from '../../support/databases.js'

/** What a child may hold of an integer key, as it is typed. */
const values = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -5, max: 70 }).map(String) },
  fc.constantFrom('null', "'7'", "' 7'", "'7.0'", '7.0', '7.5', "'abc'", "x'37'", "''", '9223372036854775807', '1e300'),
)
/** Keys that are all there, all but for a few, or scattered. */
const parents = fc.oneof(
  fc
    .record({
      low: fc.integer({ min: -40, max: 20 }),
      without: fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 5 }),
    })
    .map(({ low, without }) =>
      Array.from({ length: 60 }, (_, at) => at)
        .filter((at) => !without.includes(at))
        .map((at) => low + at),
    ),
  fc.uniqueArray(fc.integer({ min: -60, max: 60 }), { minLength: 1, maxLength: 60 }),
  fc.constant([1, 2, 9_007_199_254_740_993n]),
  fc.constant([]),
)

test('whichever way a relationship is scanned, its orphans are those of PRAGMA foreign_key_check', async () => {
  await fc.assert(
    fc.asyncProperty(
      parents,
      fc.array(values, { minLength: 30, maxLength: 120 }),
      fc.constantFrom('integer', 'text', '', 'real', 'numeric', 'int not null'),
      fc.constantFrom('integer primary key', 'integer primary key desc', 'int primary key'),
      fc.boolean(),
      fc.constantFrom('wal', 'delete'),
      async (keys, held, type, key, indexed, journal) => {
        const rows = held.filter((value) => value !== 'null' || type !== 'int not null')
        const { target } = await testDatabase(
          'sqlite',
          `pragma journal_mode = ${journal}; pragma foreign_keys = off;
           create table p (id ${key}); create table c (id integer primary key, p_id ${type} references p (id));
           ${indexed ? 'create index c_p on c (p_id);' : ''}
           ${keys.map((one) => `insert into p values (${one});`).join('')}
           ${rows.map((one, at) => `insert into c values (${at}, ${one});`).join('')}`,
        )
        const database = new BetterSqlite(target.slice('sqlite:'.length), { readonly: true })
        const expected = (database.pragma('foreign_key_check') as { rowid: number }[])
          .map(({ rowid }) => rowid)
          .sort((a, b) => a - b)
        database.close()
        const { findings } = await examineOne('integrity/foreign-keys', target, { samples: 200 })
        const samples = findings.flatMap(({ evidence }) => evidence.samples as unknown as { row: { id: number } }[])
        expect(samples.map(({ row }) => row.id).sort((a, b) => a - b)).toEqual(expected)
        expect(findings.reduce((sum, { evidence }) => sum + Number(evidence.rows), 0)).toBe(expected.length)
      },
    ),
    { numRuns: 40 },
  )
})
