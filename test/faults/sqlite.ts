import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { expect } from 'vitest'
import { application, scene, stranger } from '../dialects/sqlite/scene.js'
import { afterwards, testFolder } from '../support/databases.js'
import type { Fault, Look } from './room.js'

const good = `create table p (id integer primary key, name text not null, email text unique);
  create table c (id integer primary key, pid integer references p (id), v text);
  create index c_pid on c (pid); create index c_v on c (v);
  with recursive n (i) as (select 1 union all select i + 1 from n where i < 500)
    insert into p select i, 'name ' || i, 'a' || i || '@example.com' from n;
  with recursive n (i) as (select 1 union all select i + 1 from n where i < 5000)
    insert into c select i, 1 + i % 500, 'value ' || i from n;`

/** A file of the good database, and of more. */
async function file(more = '', name = 'g.db'): Promise<string> {
  const path = join(await testFolder(), name)
  write(path, `${good} ${more}`)
  return path
}

function write(path: string, statements: string): void {
  const database = new BetterSqlite(path)
  database.unsafeMode(true)
  database.exec(statements)
  database.close()
}

const sound = { exit: 0, cause: 'all-well', says: /^No database crash: / }
const looked = (path: string, look: Omit<Look, 'target'>): Look => ({
  target: `sqlite:${path}`,
  untouched: [dirname(path)],
  ...look,
})

/** A page that a table or an index uses, but for its first one. */
function pageOf(path: string, name: string): { at: number; size: number } {
  const database = new BetterSqlite(path, { readonly: true })
  const { pageno, pgsize } = database
    .prepare("select pageno, pgsize from dbstat where name = ? and pagetype = 'leaf' order by pageno limit 1")
    .get(name) as { pageno: number; pgsize: number }
  database.close()
  return { at: (pageno - 1) * pgsize, size: pgsize }
}

function overwrite(path: string, { at, size }: { at: number; size: number }): void {
  const noise = Buffer.from(Array.from({ length: size }, (_, i) => (i * 7919 + 13) % 251))
  const handle = openSync(path, 'r+')
  writeSync(handle, noise, 0, size, at)
}

/** Waits until some process has the file open. */
async function untilOpen(path: string): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    if (processes.some((pid) => filesOf(pid).includes(path))) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nobody opened ${path}`)
}

function filesOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
  } catch {
    return []
  }
}

/** A process that holds the file's only lock. */
async function holding(path: string): Promise<void> {
  const code = `const db = new (require('better-sqlite3'))(${JSON.stringify(path)}); db.exec('begin exclusive'); console.log('held'); setInterval(() => {}, 1000)`
  const holder = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  afterwards(() => holder.kill('SIGKILL'))
  await new Promise((resolve) => holder.stdout.once('data', resolve))
}

export const sqlite: readonly Fault[] = [
  { id: 'S', fault: 'SQLite, and nothing is wrong', make: async () => looked(await file(), sound) },
  {
    id: '31',
    fault: 'a path where no file is',
    async make() {
      const path = join(await testFolder(), 'gone.db')
      return {
        ...looked(path, { exit: 1, cause: 'database-file-missing', says: /there is no file at/ }),
        after: () => expect(existsSync(path)).toBe(false),
      }
    },
  },
  {
    id: '32',
    fault: 'a text file',
    async make() {
      const path = join(await testFolder(), 'text.db')
      writeFileSync(path, 'id,name\n1,Ada\n'.repeat(100))
      return looked(path, { exit: 1, cause: 'not-a-database', says: /is not a SQLite database: it holds text/ })
    },
  },
  {
    id: '33',
    fault: 'a file of no bytes',
    async make() {
      const path = join(await testFolder(), 'zero.db')
      writeFileSync(path, '')
      return looked(path, { exit: 1, cause: 'not-a-database', says: /is empty: it holds no database/ })
    },
  },
  {
    id: '34',
    fault: 'a file cut to half',
    async make() {
      const path = await file()
      truncateSync(path, 40 * 4096)
      return looked(path, { exit: 1, cause: 'file-corrupt', says: /cut|shorter|lacks|truncated/ })
    },
  },
  {
    id: '34a',
    fault: 'a file cut by a hundred bytes',
    async make() {
      const path = await file()
      truncateSync(path, readFileSync(path).length - 100)
      return looked(path, { exit: 1, cause: 'file-corrupt', says: /cut|shorter|lacks|truncated/ })
    },
  },
  {
    id: '35',
    fault: 'noise over a leaf of a table',
    async make() {
      const path = await file()
      overwrite(path, pageOf(path, 'c'))
      return looked(path, { exit: 1, cause: 'file-corrupt', says: /"c"/ })
    },
  },
  {
    id: '36',
    fault: 'noise over a leaf of an index',
    async make() {
      const path = await file()
      overwrite(path, pageOf(path, 'c_v'))
      return looked(path, { exit: 1, cause: 'index-corrupt', says: /"c_v"/ })
    },
  },
  {
    id: '37',
    fault: 'another process holds the file exclusively',
    async make() {
      const path = await file()
      await holding(path)
      return looked(path, { exit: 1, cause: 'database-locked', says: /holds a lock/, deadline: 8 })
    },
  },
  {
    id: '38',
    fault: 'a writer killed in the middle: a hot journal',
    async make() {
      const { file: path, folder } = await scene()
      const writer = await application(
        path,
        `db.exec(${JSON.stringify(good)}); db.pragma('cache_size = 5'); db.exec("begin; update c set v = v || '!'; update p set name = name || '!'")`,
      )
      await writer.kill()
      expect(existsSync(`${path}-journal`)).toBe(true)
      return looked(path, {
        exit: 0,
        cause: 'writer-interrupted',
        says: /transaction|journal/,
        untouched: [folder],
      })
    },
  },
  {
    id: '39',
    fault: 'a writer killed in WAL mode: its log holds the rows',
    async make() {
      const { file: path, folder } = await scene()
      const writer = await application(
        path,
        `db.pragma('journal_mode = wal'); db.pragma('wal_autocheckpoint = 0'); db.exec(${JSON.stringify(good)})`,
      )
      await writer.kill()
      return {
        ...looked(path, { exit: 0, says: /2 of 2 tables|2 tables/, untouched: [folder] }),
        config: { database: { expect: { tables: 2, rows: { c: 5000 } } } },
      }
    },
  },
  {
    id: '40',
    fault: 'WAL mode, examined by a third user in a folder of everybody’s',
    async make() {
      const { file: path, folder } = await scene()
      const writer = await application(path, `db.pragma('journal_mode = wal'); db.exec(${JSON.stringify(good)})`)
      await writer.close()
      return {
        ...looked(path, { ...sound, untouched: [folder], ids: stranger.ids }),
        async after() {
          const again = await application(path, `db.exec("insert into p values (900, 'x', 'x@example.com')")`)
          expect(again.output()).toContain('ready')
          await again.close()
        },
      }
    },
  },
  {
    id: '41',
    fault: 'a definition that cannot be parsed',
    async make() {
      const path = await file(
        "pragma writable_schema = on; update sqlite_schema set sql = 'create table c (' where name = 'c'",
      )
      return looked(path, { exit: 1, cause: 'file-corrupt', says: /malformed|schema|catalog/ })
    },
  },
  {
    id: '42',
    fault: 'a foreign key to a table that is gone',
    make: async () =>
      looked(
        await file(
          'pragma foreign_keys = off; create table o (id integer primary key, q integer references gone (id)); insert into o values (1, 1)',
        ),
        {
          exit: 1,
          cause: 'data-damaged',
          says: /gone/,
        },
      ),
  },
  {
    id: '43',
    fault: 'a foreign key to no key, beside one with a real violation',
    make: async () => ({
      ...looked(
        await file(
          "pragma foreign_keys = off; create table o (id integer primary key, n text references p (name)); insert into o values (1, 'x'); insert into c values (9000, 77777, 'v')",
        ),
        { exit: 1, cause: 'rows-orphaned', says: /1 row of c/ },
      ),
      after: (report) =>
        expect(
          report?.results
            .find(({ id }) => id === 'integrity/foreign-keys')
            ?.findings.map(({ address }) => address)
            .sort(),
        ).toEqual([
          'integrity/foreign-keys#dangling',
          expect.stringMatching(/#(no-key|mismatch|unusable|without-key)/),
        ]),
    }),
  },
  {
    id: '44',
    fault: 'a virtual table whose module is not here',
    make: async () =>
      looked(
        await file(
          "pragma writable_schema = on; insert into sqlite_schema (type, name, tbl_name, rootpage, sql) values ('table', 'e', 'e', 0, 'create virtual table e using vec0(v float[3])')",
        ),
        { exit: 0, says: /^No database crash|2 tables|3 tables/ },
      ),
  },
  {
    id: '45',
    fault: 'rows that violate a CHECK',
    make: async () =>
      looked(
        await file(
          'create table k (id integer primary key, n integer check (n > 0)); pragma ignore_check_constraints = on; insert into k values (1, -1), (2, 3)',
        ),
        { exit: 1, cause: 'data-damaged', says: /"k"|k:/ },
      ),
  },
  ...['a?b#c d.db', '\u{1f600}.db', 'new\nline.db', '-leading.db', 'quo\'te".db'].map(
    (name, at): Fault => ({
      id: `46${'abcde'[at]}`,
      fault: `a file called ${JSON.stringify(name)}`,
      make: async () => looked(await file('', name), sound),
    }),
  ),
  {
    id: '46f',
    fault: 'a file that is moved away while it is read',
    async make() {
      const path = await file()
      return {
        target: `sqlite:${path}`,
        config: {
          database: {
            assertions: [
              { name: 'lasting', sql: 'select a.id from c a, c b, c d where a.id + b.id + d.id < 0', expect: 'empty' },
            ],
          },
        },
        exit: 3,
        says: /./,
        deadline: 8,
        async during() {
          await untilOpen(path)
          renameSync(path, `${path}.moved`)
        },
        // What was there is examined, or is said not to be: it is not called damaged, nor whole.
        after: (report) => expect(report?.verdict.database).toBe('unverified'),
      }
    },
  },
  {
    id: '46g',
    fault: 'a folder that only its owner may enter',
    async make() {
      const { file: path, folder } = await scene()
      const writer = await application(path, `db.exec(${JSON.stringify(good)})`)
      await writer.close()
      mkdirSync(join(folder, 'private'), { mode: 0o700 })
      execFileSync('cp', ['-p', path, join(folder, 'private/app.db')])
      chmodSync(join(folder, 'private'), 0o700)
      const there = join(folder, 'private/app.db')
      return process.getuid?.() === 0
        ? {
            target: `sqlite:${there}`,
            ids: stranger.ids,
            exit: 1,
            cause: 'database-access-denied',
            says: /may not|permission|not allowed/,
          }
        : { target: `sqlite:${there}`, ...sound }
    },
  },
]
