/**
 * Runs tests on every Node and every PostgreSQL that dbdoctor is for, had from npm (Linux, x64), and prints a table. Minutes a cell:
 * `npm run test:matrix`, or a part of it: `npm run test:matrix -- --node 22,24 --postgres 13,18 test/checks/schema`.
 */
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { execa } from 'execa'

interface Cell {
  readonly passed: number
  readonly failed: readonly string[]
  readonly minutes: number
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const { dependencies, ...manifest } = JSON.parse(await readFile(new URL('./package.json', import.meta.url), 'utf8'))
const { values, positionals } = parseArgs({
  options: { node: { type: 'string' }, postgres: { type: 'string' } },
  allowPositionals: true,
})
const nodes = chosen('node', values.node)
const servers = chosen('postgres', values.postgres)
const tests = positionals.length > 0 ? positionals : ['test/checks', 'test/dialects', 'test/zoo']

const folder = await mkdtemp(join(tmpdir(), 'dbdoctor-matrix-'))
// PostgreSQL does not run as root: its programs are for everybody to read.
await chmod(folder, 0o755)
const failures: string[] = []
try {
  await install([...nodes, ...servers])
  print(
    '',
    servers.map((server) => `PostgreSQL ${versionOf(server)}`),
  )
  for (const node of nodes) {
    const project = await projectFor(node)
    const cells: Cell[] = []
    for (const server of servers) {
      const cell = await run(node, server, project)
      failures.push(...cell.failed.map((name) => `Node ${versionOf(node)}, PostgreSQL ${versionOf(server)}: ${name}`))
      cells.push(cell)
    }
    print(`Node ${versionOf(node)}`, cells.map(said))
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
for (const failure of failures) process.stdout.write(`\n${failure}`)
if (failures.length > 0) process.stdout.write('\n')
process.exitCode = failures.length > 0 ? 1 : 0

/** The aliases of one kind that were asked for; all where none was. */
function chosen(kind: string, list: string | undefined): string[] {
  const all = Object.keys(dependencies).filter((alias) => alias.startsWith(kind))
  if (list === undefined) return all
  const wanted = list.split(',').map((version) => `${kind}${version}`)
  for (const alias of wanted) if (!all.includes(alias)) throw new Error(`there is no ${alias}: ${all.join(', ')}`)
  return wanted
}

function versionOf(alias: string): string {
  return alias.replace(/^\D+/, '')
}

async function install(aliases: readonly string[]): Promise<void> {
  const wanted = Object.fromEntries(aliases.map((alias) => [alias, dependencies[alias]]))
  await writeFile(join(folder, 'package.json'), JSON.stringify({ ...manifest, dependencies: wanted }))
  await execa('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock'], { cwd: folder })
}

/** Native modules are compiled for one Node: this folder serves the Node that it was installed with, any other gets a copy. */
async function projectFor(node: string): Promise<string> {
  if (versionOf(node) === process.versions.node.split('.')[0]) return root
  const copy = join(folder, `project-${node}`)
  const { stdout } = await execa('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
  for (const file of stdout.split('\0').filter((name) => name !== '' && name !== 'package-lock.json'))
    await cp(join(root, file), join(copy, file))
  await execa('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock'], { cwd: copy, env: environment(node) })
  return copy
}

function environment(node: string): { PATH: string } {
  return { PATH: [join(folder, 'node_modules', node, 'bin'), process.env.PATH].join(delimiter) }
}

async function run(node: string, server: string, cwd: string): Promise<Cell> {
  const outcome = join(folder, `${node}-${server}.json`)
  const { all, durationMs } = await execa(
    'node',
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--project=tests',
      ...tests,
      '--reporter=json',
      `--outputFile=${outcome}`,
    ],
    {
      cwd,
      env: {
        ...environment(node),
        DBDOCTOR_TEST_POSTGRES_BIN: join(folder, 'node_modules', server, 'native', 'bin'),
        DBDOCTOR_TEST_POSTGRES_URL: '',
      },
      all: true,
      reject: false,
    },
  )
  const minutes = durationMs / 60_000
  const text = await readFile(outcome, 'utf8').catch(() => null)
  if (text === null) return { passed: 0, failed: [`no test ran: ${all}`], minutes }
  const { numPassedTests, testResults } = JSON.parse(text) as Outcome
  return { passed: numPassedTests, failed: testResults.flatMap(failuresIn), minutes }
}

interface Outcome {
  readonly numPassedTests: number
  readonly testResults: readonly FileOutcome[]
}

interface FileOutcome {
  readonly name: string
  readonly status: string
  readonly message: string
  readonly assertionResults: readonly TestOutcome[]
}

interface TestOutcome {
  readonly fullName: string
  readonly status: string
  readonly failureMessages: readonly string[]
}

/** What did not pass: a test that was skipped, because what it stands on failed, did not pass either. */
function failuresIn({ name, status, message, assertionResults }: FileOutcome): string[] {
  const failed = assertionResults.filter((one) => one.status !== 'passed').map(reasonOf)
  return failed.length > 0 || status === 'passed' ? failed : [`${name}: ${message}`]
}

function reasonOf({ fullName, failureMessages }: TestOutcome): string {
  return [fullName, ...failureMessages.map((message) => message.replaceAll('\n', '\n    '))].join('\n    ')
}

function said({ passed, failed, minutes }: Cell): string {
  const count = failed.length > 0 ? `${failed.length} failed` : `${passed} passed`
  return `${count}, ${minutes.toFixed(1)} min`
}

function print(row: string, cells: readonly string[]): void {
  process.stdout.write(`| ${[row.padEnd(7), ...cells.map((cell) => cell.padEnd(20))].join(' | ')} |\n`)
  if (row === '') process.stdout.write(`| ------- ${'| -------------------- '.repeat(cells.length)}|\n`)
}
