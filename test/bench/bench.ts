/**
 * Whole commands against a named peer in the same run, in turn, so that a machine that slows down slows both. Writes docs/benchmarks.md;
 * with `--quick` less is measured, in a minute, and only printed.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findBinaries, startPostgres } from '../support/postgres.js'
import {
  catalogs,
  everything,
  type Figure,
  figures,
  fourKeys,
  onPostgres,
  onSqlite,
  type Place,
  readability,
  startUp,
} from './figures.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const quick = process.argv.includes('--quick')
const rounds = 3
const shortRounds = 15
const size = quick
  ? { children: 500_000, parents: 100_000, tables: 500 }
  : { children: 5_000_000, parents: 1_000_000, tables: 5000 }

interface Measured {
  readonly name: string
  readonly against: string
  readonly wanted: number
  readonly own: number
  readonly peer: number
  readonly ratio: number
}

const cache = join(root, 'node_modules/.cache/dbdoctor-bench')
mkdirSync(cache, { recursive: true })
const server = await startPostgres(['shared_buffers=512MB', 'max_wal_size=8GB'])
const measured: Measured[] = []
try {
  const url = (database: string) => Object.assign(new URL(server.url), { pathname: `/${database}` }).href
  const bin = findBinaries()
  const place: Place = {
    cache,
    size,
    dbdoctor: [process.execPath, join(root, 'dist/bin/dbdoctor.js')],
    psql: (database, ...more) => [join(bin, 'psql'), '-X', url(database), ...more],
    url,
  }
  for (const figure of await startUp(place)) measure(figure, quick ? 5 : shortRounds)
  for (const figure of onSqlite(place)) measure(figure, rounds)
  for (const figure of onPostgres(place)) measure(figure, rounds)
  for (const figure of fourKeys(place)) measure(figure, rounds)
  for (const figure of catalogs(place, join(bin, 'pg_dump'))) measure(figure, quick ? rounds : shortRounds)
  measure(readability(place), rounds)
  measure(everything(place), rounds)
} finally {
  await server.stop()
}
if (!quick) writeFileSync(join(root, 'docs/benchmarks.md'), page())

function measure({ name, command, peer, against, wanted, prepare }: Figure, runs: number): void {
  const pairs: { own: number; peer: number }[] = []
  for (let run = 0; run <= runs; run++) {
    const own = timed(command)
    prepare?.()
    pairs.push({ own, peer: timed(peer) })
  }
  // The first pair warms caches.
  const counted = pairs.slice(1)
  const one = {
    ...{ name, against, wanted },
    own: median(counted.map((pair) => pair.own)),
    peer: median(counted.map((pair) => pair.peer)),
    ratio: median(counted.map((pair) => pair.own / pair.peer)),
  }
  measured.push(one)
  process.stdout.write(
    `${one.ratio.toFixed(2).padStart(6)}  ${verdictOf(one).padEnd(12)} ${name}, against ${against}\n`,
  )
}

function verdictOf({ ratio, wanted }: Measured): string {
  if (Number.isNaN(wanted)) return ''
  return ratio <= wanted ? `<= ${wanted}` : `wanted ${wanted}`
}

function timed([program = '', ...args]: readonly string[]): number {
  const began = performance.now()
  const { error, status, stderr } = spawnSync(program, args, { stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 2 ** 30 })
  const ms = performance.now() - began
  if (error) throw new Error(`${program} cannot be run: ${error.message}`)
  if (status === null || status > 1) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr}`)
  return ms
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function page(): string {
  const [processor] = cpus()
  const seconds = (ms: number) => (ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`)
  const rows = measured.map(
    ({ name, against, wanted, own, peer, ratio }) =>
      `| ${name} | ${seconds(own)} | \`${against}\` | ${seconds(peer)} | **${ratio.toFixed(2)}** | ${Number.isNaN(wanted) ? '' : wanted} |`,
  )
  return `# Benchmarks

Whole commands, from start to exit, in turn with a named peer: the ratio is what counts, and holds on other machines. Medians of ${rounds} rounds
(${shortRounds} of what is short) after one that warms caches. Written by \`npm run bench\`; \`npm run bench -- --quick\` prints as much of smaller data.

On ${cpus().length} × ${processor?.model ?? 'a processor'}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}, PostgreSQL at its defaults but for 512 MB of
shared buffers; ${figures(size.children)} children, ${figures(size.parents)} parents, one child in 5000 without a parent on SQLite, none on PostgreSQL. Scans are
\`dbdoctor check TARGET --only integrity/foreign-keys\`.

| dbdoctor | | against | | ratio | wanted |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`
}
