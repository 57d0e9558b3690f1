import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import BetterSqlite from 'better-sqlite3'
import { afterAll, describe, expect, test } from 'vitest'
import { executable } from '../support/cli.js'
import { hung, testFolder } from '../support/databases.js'
import { http } from './http.js'
import { large } from './large.js'
import { postgres } from './postgres.js'
import { canaries, examined } from './room.js'
import { sqlite } from './sqlite.js'

/** As much as one process of a run may hold, in MB. */
const mostMemory = 300

const lines: string[] = []
afterAll(() => {
  process.stdout.write(
    `\n| case | fault | exit | s | MB | said |\n| --- | --- | --- | --- | --- | --- |\n${lines.join('\n')}\n`,
  )
})

describe.each([
  ['sqlite', sqlite],
  ['postgres', postgres],
  ['http', http],
  ['large', large],
])('%s', (_, faults) => {
  test.each(faults)('$id: $fault', async ({ id, fault, make }) => {
    const look = await make()
    const seen = await examined(look)
    const { exit, report, said, seconds, memory, left, changed } = seen
    const headline = report?.verdict.headline ?? said.trim()
    const cell = (text: string) => text.replaceAll(/[\r\n]+/g, ' ').replaceAll('|', '\\|')
    lines.push(
      `| ${id} | ${cell(fault)} | ${exit} | ${seconds.toFixed(1)} | ${memory.toFixed(0)} | ${cell(headline)} |`,
    )

    expect.soft({ exit, says: headline }).toEqual({ exit: look.exit, says: expect.stringMatching(look.says) })
    if (look.cause !== undefined) expect.soft(report?.causes[0]?.id).toBe(look.cause)
    if (look.deadline !== undefined) expect.soft(report?.ms).toBeLessThan((look.deadline + 1) * 1000)
    expect.soft(memory).toBeLessThan(mostMemory)
    expect.soft(left).toEqual([])
    expect.soft(changed).toEqual([])
    expect.soft(said).not.toMatch(/\n\s+at .*\.[cm]?[jt]s:\d/)
    for (const secret of Object.values(canaries)) expect.soft(said).not.toContain(secret)
    await look.after?.(report)
  })
})

describe('what becomes of a report', () => {
  /** A file with more findings than fit into a pipe. */
  async function manyFaults(): Promise<string> {
    const path = join(await testFolder(), 'many.db')
    const database = new BetterSqlite(path)
    database.exec('pragma foreign_keys = off; create table p (id integer primary key)')
    for (let at = 0; at < 2500; at++)
      database.exec(
        `create table c${at} (id integer primary key, pid integer references p (id)); insert into c${at} values (1, 7)`,
      )
    database.close()
    return path
  }

  test('56: standard output is full', async () => {
    const full = openSync('/dev/full', 'w')
    const run = spawn(process.execPath, [executable, 'check', await manyFaults(), '-f', 'json'], {
      stdio: ['ignore', full, 'pipe'],
    })
    expect(await once(run, 'exit')).toEqual([2, null])
  })

  test('57: the reader goes away', async () => {
    const run = spawn(process.execPath, [executable, 'check', await manyFaults(), '-f', 'json'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    run.stdout.once('data', () => run.stdout.destroy())
    const [code] = await once(run, 'exit')
    expect(code).not.toBe(0)
  })

  test('58: five megabytes through a pipe arrive whole', async () => {
    const run = spawn(
      'sh',
      ['-c', '"$0" "$1" check "$2" -f json | (sleep 1; cat)', process.execPath, executable, await manyFaults()],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    )
    const chunks: Buffer[] = []
    run.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    await once(run, 'close')
    const text = Buffer.concat(chunks).toString()
    expect(text.length).toBeGreaterThan(1_000_000)
    expect(JSON.parse(text).exitCode).toBe(1)
  })

  test.each(['SIGINT', 'SIGTERM'] as const)('59: %s during a long query', async (signal) => {
    const path = join(await testFolder(), 'long.db')
    const database = new BetterSqlite(path)
    database.exec(
      'create table n (i integer primary key); with recursive r (i) as (select 1 union all select i + 1 from r where i < 100000) insert into n select i from r',
    )
    database.close()
    const folder = await testFolder()
    const { writeFile } = await import('node:fs/promises')
    const assertions = [
      { name: 'lasting', sql: 'select a.i from n a, n b, n c where a.i + b.i + c.i < 0', expect: 'empty' },
    ]
    await writeFile(join(folder, 'dbdoctor.config.json'), JSON.stringify({ database: { assertions } }))
    const run = spawn(process.execPath, [executable, 'check', path, '-f', 'json'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const chunks: Buffer[] = []
    run.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    await sleep(2500)
    const began = performance.now()
    run.kill(signal)
    const [code] = await once(run, 'close')
    expect(performance.now() - began).toBeLessThan(hung)
    expect([code, JSON.parse(Buffer.concat(chunks).toString()).complete]).toEqual([
      signal === 'SIGINT' ? 130 : 143,
      false,
    ])
  })
})
