import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { executable, type Ran } from './support/cli.js'
import { testDatabase, testFolder } from './support/databases.js'

const recipes = fileURLToPath(new URL('../docs/recipes/', import.meta.url))
const files = readdirSync(recipes, { recursive: true, encoding: 'utf8' }).filter((name) => /\.\w+$/.test(name))
const text = (name: string) => readFileSync(join(recipes, name), 'utf8')

let path: string
let healthy: string
let ill: string
beforeAll(async () => {
  path = await testFolder()
  // What npx would download is the dbdoctor that was just built; anything else that a recipe calls is somebody's own.
  const npx = `#!/bin/sh\nshift\ncase $1 in dbdoctor | dbdoctor@*) shift; exec "${process.execPath}" "${executable}" "$@" ;; esac\nexit 99\n`
  for (const [name, script] of Object.entries({ npx, npm: '#!/bin/sh\nexit 0\n' })) {
    writeFileSync(join(path, name), script)
    chmodSync(join(path, name), 0o755)
  }
  healthy = (await testDatabase('sqlite', 'create table users (id integer primary key); insert into users values (1)'))
    .target
  ill = (
    await testDatabase(
      'sqlite',
      'create table a (id integer primary key); create table b (a_id integer references a (id)); insert into b values (7)',
    )
  ).target
})

async function bash(args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<Ran> {
  const { stdout, stderr, exitCode } = await execa('bash', [...args], {
    cwd,
    reject: false,
    env: { DATABASE_URL: healthy, ...env, PATH: [path, process.env.PATH].join(delimiter), GITHUB_STEP_SUMMARY: '' },
  })
  return { stdout, stderr, exitCode }
}

/** A target for each exit code, with what leads to it. */
const outcomes = [
  ['healthy', 0, () => [healthy]],
  ['ill', 1, () => [ill]],
  ['no target', 2, () => ['foo']],
  ['unknown', 3, () => ['/nowhere/gone.db', '--skip', 'connection/opens']],
] as const

test('the README names every recipe', () => {
  const readme = text('README.md')
  for (const file of files) if (file !== 'README.md') expect(readme).toContain(`](${file})`)
})

describe('pre-deploy.sh', () => {
  const words = {
    0: /^go$/m,
    1: /^no go: .* is ill$/m,
    2: /^no go: nothing was examined/m,
    3: /^no go: not everything/m,
  }
  test.each(outcomes)('%s: exit code %d, and a word for it', async (_, code, args) => {
    const folder = await testFolder()
    const { exitCode, stderr, stdout } = await bash([join(recipes, 'pre-deploy.sh'), ...args()], folder)
    expect([exitCode, stderr]).toEqual([code, expect.stringMatching(words[code])])
    expect(/HEALTHY|DEGRADED|INCONCLUSIVE/.test(stdout)).toBe(code !== 2)
    expect(existsSync(join(folder, 'dbdoctor.json'))).toBe(code !== 2)
  })

  test('keeps what comes after it from running', async () => {
    const gate = `'${join(recipes, 'pre-deploy.sh')}' "$0" && echo deployed`
    expect((await bash(['-c', gate, healthy], await testFolder())).stdout).toMatch(/\ndeployed$/)
    expect((await bash(['-c', gate, ill], await testFolder())).stdout).not.toContain('deployed')
  })
})

describe('textfile-collector.sh', () => {
  test.each(outcomes)('%s (%d): silent with gauges, loud without', async (_, code, args) => {
    const folder = await testFolder()
    const script = join(recipes, 'textfile-collector.sh')
    const { exitCode, stdout, stderr } = await bash([script, ...args()], folder, { TEXTFILE_FOLDER: folder })
    expect(exitCode).toBe(code === 2 ? 2 : 0)
    expect(stdout).toBe('')
    expect(stderr === '').toBe(code !== 2)
    // Nothing else that the collector would read, or that would pile up.
    expect(readdirSync(folder)).toEqual(code === 2 ? [] : ['dbdoctor.prom'])
    if (code !== 2)
      expect(readFileSync(join(folder, 'dbdoctor.prom'), 'utf8')).toMatch(
        new RegExp(`^dbdoctor_exit_code\\{.*\\} ${code === 1 ? '[01]' : code}$`, 'm'),
      )
  })

  test('the alerts ask for gauges and states that there are', async () => {
    const folder = await testFolder()
    await bash([join(recipes, 'textfile-collector.sh')], folder, { TEXTFILE_FOLDER: folder })
    const gauges = readFileSync(join(folder, 'dbdoctor.prom'), 'utf8')
    const { groups } = z
      .strictObject({
        groups: z.array(
          z.strictObject({
            name: z.string(),
            rules: z.array(
              z.strictObject({
                alert: z.string(),
                expr: z.string(),
                for: z.string().optional(),
                labels: z.record(z.string(), z.string()),
                annotations: z.strictObject({ summary: z.string() }),
              }),
            ),
          }),
        ),
      })
      .parse(parse(text('prometheus-alerts.yml')))
    const asked = groups.flatMap(({ rules }) => rules.map(({ expr }) => /(dbdoctor_\w+)(?:\{(.*?)\})?/.exec(expr)))
    expect(asked).toHaveLength(3)
    for (const match of asked) {
      const line = gauges.split('\n').find((one) => one.startsWith(`${match?.[1]}{`) && one.includes(match?.[2] ?? ''))
      expect(line, String(match?.[0])).toBeDefined()
    }
  })
})

const step = z.union([
  z.strictObject({ run: z.string() }),
  z.strictObject({ uses: z.string(), with: z.record(z.string(), z.union([z.string(), z.number()])).optional() }),
])

describe('GitHub Actions', () => {
  const action = z
    .strictObject({
      name: z.string(),
      description: z.string(),
      inputs: z.record(z.string(), z.strictObject({ description: z.string(), default: z.string() })),
      outputs: z.record(z.string(), z.strictObject({ description: z.string(), value: z.string() })),
      runs: z.strictObject({
        using: z.literal('composite'),
        steps: z.tuple([
          z.strictObject({
            id: z.string(),
            // A step of a composite action needs it.
            shell: z.literal('bash'),
            env: z.record(z.string(), z.string()),
            run: z.string(),
          }),
        ]),
      }),
    })
    .parse(parse(text('github/action.yml')))
  const [only] = action.runs.steps

  test('the action takes its inputs by the environment alone: none becomes a part of the script', () => {
    expect(only.run).not.toContain('${{')
    const used = Object.values(only.env).map((value) => /^\$\{\{ inputs\.([\w-]+) \}\}$/.exec(value)?.[1])
    expect(used).toEqual(Object.keys(action.inputs))
  })

  test.each(outcomes)('the action, %s: exit code %d, as its output says', async (_, code, args) => {
    const folder = await testFolder()
    const output = join(folder, 'output')
    const summary = join(folder, 'summary')
    const [target = '', ...rest] = args()
    // As GitHub runs `shell: bash`.
    const script = ['--noprofile', '--norc', '-e', '-o', 'pipefail', '-c', only.run]
    const env = { RUNNER_TEMP: folder, GITHUB_OUTPUT: output, GITHUB_ACTIONS: 'true', VERSION: 'latest' }
    const { exitCode } = await execa('bash', script, {
      cwd: folder,
      reject: false,
      env: {
        ...env,
        PATH: [path, process.env.PATH].join(delimiter),
        GITHUB_STEP_SUMMARY: summary,
        INPUT_URL: target,
        ARGUMENTS: [action.inputs.arguments?.default, ...rest].join(' '),
      },
    })
    expect(exitCode).toBe(code)
    const report = join(folder, 'dbdoctor.json')
    const outputs = Object.fromEntries(
      readFileSync(output, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.split('=')),
    )
    expect(outputs).toEqual({ 'exit-code': String(code), report })
    expect(Object.keys(action.outputs)).toEqual(Object.keys(outputs))
    expect([existsSync(report), existsSync(summary)]).toEqual([code !== 2, code !== 2])
  })

  test('the workflow has a PostgreSQL, and calls the action with inputs that it has', () => {
    const { jobs } = z
      .strictObject({
        name: z.string(),
        on: z.array(z.string()),
        permissions: z.record(z.string(), z.string()),
        jobs: z.record(
          z.string(),
          z.strictObject({
            'runs-on': z.string(),
            services: z.strictObject({
              postgres: z.strictObject({
                image: z.string(),
                env: z.record(z.string(), z.string()),
                ports: z.array(z.string()),
              }),
            }),
            env: z.record(z.string(), z.string()),
            steps: z.array(step),
          }),
        ),
      })
      .parse(parse(text('github/workflow.yml')))
    const steps = jobs.dbdoctor?.steps ?? []
    const call = steps.flatMap((one) => ('uses' in one && one.uses.endsWith('/dbdoctor') ? [one] : []))
    expect(call).toHaveLength(1)
    for (const name of Object.keys(call[0]?.with ?? {})) expect(action.inputs).toHaveProperty(name)
  })
})

test('GitLab CI: the files of the script are the artifacts', async () => {
  const { dbdoctor: job } = z
    .strictObject({
      dbdoctor: z.strictObject({
        image: z.string(),
        services: z.array(z.strictObject({ name: z.string(), alias: z.string() })),
        variables: z.record(z.string(), z.string()),
        script: z.array(z.string()),
        allow_failure: z.strictObject({ exit_codes: z.array(z.literal(3)) }),
        artifacts: z.strictObject({
          when: z.literal('always'),
          reports: z.strictObject({ codequality: z.string(), junit: z.string() }),
        }),
      }),
    })
    .parse(parse(text('gitlab-ci.yml')))
  const folder = await testFolder()
  const { exitCode } = await bash(['-e', '-c', job.script.join('\n')], folder, { DATABASE_URL: ill })
  expect(exitCode).toBe(1)
  expect(readdirSync(folder).sort()).toEqual(Object.values(job.artifacts.reports).sort())
  expect(JSON.parse(readFileSync(join(folder, job.artifacts.reports.codequality), 'utf8'))).not.toEqual([])
})

describe('Kubernetes', () => {
  const pod = z.strictObject({
    spec: z.strictObject({
      restartPolicy: z.literal('Never'),
      containers: z.tuple([
        z.looseObject({
          name: z.literal('dbdoctor'),
          image: z.string(),
          command: z.array(z.string()),
          env: z.array(
            z.strictObject({
              name: z.literal('DATABASE_URL'),
              valueFrom: z.strictObject({ secretKeyRef: z.strictObject({ name: z.string(), key: z.string() }) }),
            }),
          ),
          terminationMessagePolicy: z.literal('FallbackToLogsOnError'),
        }),
      ]),
    }),
  })
  const rule = z.strictObject({
    action: z.enum(['Ignore', 'FailJob']),
    onPodConditions: z.array(z.strictObject({ type: z.string() })).optional(),
    onExitCodes: z
      .strictObject({ containerName: z.literal('dbdoctor'), operator: z.literal('In'), values: z.array(z.number()) })
      .optional(),
  })
  const job = z.strictObject({
    backoffLimit: z.number(),
    activeDeadlineSeconds: z.number(),
    ttlSecondsAfterFinished: z.number().optional(),
    podFailurePolicy: z.strictObject({ rules: z.array(rule) }).optional(),
    template: pod,
  })
  const common = { apiVersion: z.literal('batch/v1'), metadata: z.strictObject({ name: z.string() }) }
  const [once, nightly] = z
    .tuple([
      z.strictObject({ ...common, kind: z.literal('Job'), spec: job }),
      z.strictObject({
        ...common,
        kind: z.literal('CronJob'),
        spec: z.strictObject({
          schedule: z.string().regex(/^(\S+ ){4}\S+$/),
          concurrencyPolicy: z.literal('Forbid'),
          jobTemplate: z.strictObject({ spec: job }),
        }),
      }),
    ])
    .parse(parseAllDocuments(text('kubernetes.yml')).map((document) => document.toJS()))

  test.each([
    ['the Job', once.spec],
    ['the CronJob', nightly.spec.jobTemplate.spec],
  ])('%s runs a command that dbdoctor takes', async (_, { template }) => {
    const { command } = template.spec.containers[0]
    const quoted = command.map((word) => `'${word}'`).join(' ')
    expect((await bash(['-c', quoted], await testFolder())).exitCode).toBe(0)
    expect((await bash(['-c', quoted], await testFolder(), { DATABASE_URL: ill })).exitCode).toBe(1)
  })

  test('the table of exit codes says what the Job does', () => {
    const rows = Object.fromEntries([...text('README.md').matchAll(/^\| (\d+) \| (.*?) \|/gm)].map(([, ...row]) => row))
    expect(Object.keys(rows)).toEqual(['0', '1', '2', '3', '143'])
    const final = once.spec.podFailurePolicy?.rules.find(({ action }) => action === 'FailJob')?.onExitCodes?.values
    expect(final).toEqual(
      Object.keys(rows)
        .filter((code) => /^fails at once/.test(rows[code] ?? ''))
        .map(Number),
    )
    expect([once.spec.backoffLimit, rows['3']]).toEqual([2, expect.stringContaining('twice')])
  })
})

const lines = files.flatMap((file) =>
  [...text(file).matchAll(/npx --yes "?dbdoctor(?:@\$VERSION)?"? (check [^\n|]*)/g)].map(([, line]) => line ?? ''),
)

test.each([...new Set(lines)])('dbdoctor takes: %s', async (line) => {
  const folder = await testFolder()
  const env = { folder, report: join(folder, 'report.json'), ARGUMENTS: '--wait 60s' }
  const { exitCode, stderr } = await bash(['-c', `npx --yes dbdoctor ${line}`], folder, env)
  expect([exitCode, stderr]).toEqual([0, ''])
})

test('all of the recipes have such a line, but those that are no commands', () => {
  const silent = files.filter((file) => !/npx --yes "?dbdoctor|npx, --yes, dbdoctor/.test(text(file)))
  expect(silent.sort()).toEqual(['README.md', 'health-route.md', 'prometheus-alerts.yml'])
})

test('the scripts are executable, and bash finds nothing wrong with them', () => {
  for (const file of files.filter((name) => name.endsWith('.sh'))) {
    execFileSync('bash', ['-n', join(recipes, file)])
    execFileSync('test', ['-x', join(recipes, file)])
  }
})
