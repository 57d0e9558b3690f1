/** Rows that come and go while they are examined: `PHANTOM_RUNS` runs on each, without one orphan that is none. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { afterwards, examine, hung, testDatabase } from '../support/databases.js'

const runs = Number(process.env.PHANTOM_RUNS ?? 200)
const root = fileURLToPath(new URL('../../', import.meta.url))

const pairs = (series: string) =>
  `create table p (id integer primary key); create table c (id integer primary key, p_id integer references p (id));
   create table d (id integer primary key, p_id integer); create index d_p on d (p_id); create index c_p on c (p_id);
   ${series}`
const made = {
  sqlite: pairs(
    ['p (id)', 'c (id, p_id)', 'd (id, p_id)']
      .map(
        (into) =>
          `with recursive n (i) as (select 1 union all select i + 1 from n where i < 2000) insert into ${into} select ${into.startsWith('p') ? 'i' : 'i, i'} from n;`,
      )
      .join('\n'),
  ),
  postgres: pairs(
    'insert into p select generate_series(1, 2000); insert into c select i, i from generate_series(1, 2000) i; insert into d select i, i from generate_series(1, 2000) i;',
  ),
}

/** In a process of its own, because it waits for the file as applications do. Parents come before their children, and go after them. */
const writers = {
  sqlite: `
    const db = new (require('better-sqlite3'))(process.env.AT, { timeout: 20000 })
    const steps = ['insert into p values (@id)', 'insert into c values (@id, @id)', 'insert into d values (@id, @id)',
      'delete from d where id = @id', 'delete from c where id = @id', 'delete from p where id = @id'].map((sql) => db.prepare(sql))
    const pair = (id) => { for (const step of steps) step.run({ id }) }
    let id = 9000
    ;(async () => { for (;;) { pair(++id); console.log(id); await new Promise((go) => setTimeout(go, 2)) } })()`,
  postgres: `
    const client = new (require('pg').Client)({ connectionString: process.env.AT })
    ;(async () => {
      await client.connect()
      for (let id = 9001; ; id++) {
        for (const step of ['insert into p values ($1)', 'insert into c values ($1, $1)', 'insert into d values ($1, $1)',
          'delete from d where id = $1', 'delete from c where id = $1', 'delete from p where id = $1']) await client.query(step, [id])
        console.log(id)
      }
    })()`,
}

test.each(['sqlite', 'postgres'] as const)(
  'beside a writer on %s',
  async (dialect) => {
    const { target } = await testDatabase(dialect, made[dialect])
    const writer = spawn(process.execPath, ['-e', writers[dialect]], {
      cwd: root,
      env: { ...process.env, AT: target.replace(/^sqlite:/, '') },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    afterwards(() => writer.kill('SIGKILL'))
    let written = 0
    writer.stdout.on('data', (chunk: Buffer) => {
      written = Number(chunk.toString().trim().split('\n').at(-1)) - 9000
    })
    await expect.poll(() => written, { timeout: hung }).toBeGreaterThan(0)
    let looked = 0
    for (let run = 0; run < runs; run++) {
      const { results } = await examine(target, { only: ['integrity'] })
      expect(results.flatMap(({ findings }) => findings.filter(({ severity }) => severity !== 'info'))).toEqual([])
      looked += results.filter(({ status }) => status === 'pass').length
    }
    expect(writer.exitCode).toBe(null)
    expect(written).toBeGreaterThan(runs / 10)
    expect(looked).toBeGreaterThan(runs)
  },
  7_200_000,
)
