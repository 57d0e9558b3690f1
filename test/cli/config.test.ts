import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { configOf } from '../../fixtures/demo/config.js'
import { parseConfig } from '../../src/config/config.js'
import { masked } from '../../src/config/masked.js'
import { shapes } from '../support/addresses.js'
import { dbdoctor } from '../support/cli.js'
import { testFolder } from '../support/databases.js'

async function folderWith(name: string, content: string): Promise<string> {
  const cwd = await testFolder()
  writeFileSync(join(cwd, name), content)
  return cwd
}

/** `hunter22` stands wherever something secret may stand. */
const secretive = `import { defineConfig, env, file } from 'dbdoctor'
export default defineConfig({
  database: { url: 'postgres://app:hunter22@db.example.com/app?sslpassword=hunter22&application_name=x' },
  api: {
    url: env('API_URL'),
    headers: { 'x-key': 'hunter22', other: env('OTHER') },
    start: ['env', 'TOKEN=hunter22', 'npm', 'start'],
  },
  auth: {
    jwt: { secret: 'hunter22', audience: 'demo' },
    accessToken: 'hunter22',
    login: { path: '/login', body: { email: 'ada@example.com', password: 'hunter22', client: { key: 'hunter22', id: env('CLIENT') } } },
    refresh: { path: '/refresh', body: { code: 'hunter22' } },
    logout: { path: '/logout', body: { code: 'hunter22' } },
    register: { path: '/register', body: { code: 22222222 } },
  },
  external: [{ name: 'x', url: 'https://hunter22@example.com/?api_key=hunter22', expect: 'timeout', body: { a: 'hunter22' } }],
  checks: { 'server/latency': { options: { auth: '1s', apiToken: 'hunter22' } } },
})`

describe('config --print', () => {
  test('shows the defaults, and says where there is no file', async () => {
    const { stdout, exitCode } = await dbdoctor(['config'], { cwd: await testFolder() })
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^# no config file: these are the defaults\n\ndatabase:\n {2}expect: \{\}\n/)
    expect(stdout).toContain('refusals:\n    - 400\n')
  })

  test('shows no secret, and what is none', async () => {
    const cwd = await folderWith('dbdoctor.config.ts', secretive)
    const { stdout, stderr } = await dbdoctor(['config', '--print'], { cwd, env: { OTHER: 'hunter22' } })
    expect(stderr).toBe('')
    expect(stdout).not.toMatch(/hunter22|22222222/)
    expect(stdout.split('\n')[0]).toBe(`# ${join(cwd, 'dbdoctor.config.ts')}`)
    for (const line of [
      'url: postgres://app:•••@db.example.com/app?sslpassword=•••&application_name=x',
      'url: ${API_URL} # API_URL is not set',
      'other: ${OTHER} # OTHER is set',
      'TOKEN=•••',
      'audience: demo',
      'email: ada@example.com',
      'id: ${CLIENT} # CLIENT is not set',
      'url: https://•••@example.com/?api_key=•••',
      'auth: 1s',
    ])
      expect(stdout).toContain(line)
  })

  test.each(shapes.map((shape) => shape('C4NARY')))('of an address as %s', (url) => {
    expect(JSON.stringify(masked(parseConfig({ database: { url } }, 'the test')))).not.toContain('C4NARY')
  })

  test('of a text that refers to something, the rest is as secret as any other', async () => {
    const cwd = await folderWith(
      'dbdoctor.config.yaml',
      `database: { url: "postgres://app:\${PASSWORD}@\${HOST}/app" }
api: { url: "http://a", headers: { authorization: "Basic hunter22\${MORE}" } }
auth: { jwt: { publicKey: "\${file:./key.pem}" } }
external: [{ name: x, url: "http://ada:hunter22\${MORE}@a", expect: timeout }]`,
    )
    const { stdout } = await dbdoctor(['config'], {
      cwd,
      env: { PASSWORD: 'hunter22', HOST: undefined, MORE: undefined },
    })
    expect(stdout).not.toContain('hunter22')
    expect(stdout).toContain('url: postgres://app:${PASSWORD}@${HOST}/app # PASSWORD is set, HOST is not set\n')
    expect(stdout).toContain('authorization: •••${MORE} # MORE is not set\n')
    expect(stdout).toContain('publicKey: ${file:./key.pem} # ./key.pem is not there\n')
    expect(stdout).toContain('url: http://•••${MORE}@a # MORE is not set\n')
  })

  test('what it prints is a config, which it prints alike', async () => {
    const cwd = await folderWith(
      'dbdoctor.config.json',
      JSON.stringify(configOf('${DATABASE_URL}', '${API_URL}', '${KEY}')),
    )
    const { stdout } = await dbdoctor(['config'], { cwd })
    expect(stdout).toContain('accessTokenLifetime: 15m\n')
    writeFileSync(join(cwd, 'again.yaml'), stdout)
    const again = await dbdoctor(['config', '-c', 'again.yaml'], { cwd })
    expect(again.stdout.split('\n').slice(1)).toEqual(stdout.split('\n').slice(1))
  })

  test('a plugin that was written in place is named', async () => {
    const cwd = await folderWith('dbdoctor.config.mjs', "export default { plugins: [{ name: 'mine', checks: [] }] }")
    expect((await dbdoctor(['config'], { cwd })).stdout).toMatch(/plugins:\n {2}- \(mine\)$/)
  })
})

describe('config --path', () => {
  test('says where it is', async () => {
    const cwd = await folderWith('dbdoctor.config.yml', '{}')
    expect(await dbdoctor(['config', '--path'], { cwd })).toEqual({
      exitCode: 0,
      stdout: join(cwd, 'dbdoctor.config.yml'),
      stderr: '',
    })
  })

  test('no config is a mistake', async () => {
    const { exitCode, stderr } = await dbdoctor(['config', '--path'], { cwd: await testFolder() })
    expect(exitCode).toBe(2)
    expect(stderr).toBe('dbdoctor: there is no config file from here upward\n  "dbdoctor init" writes one')
  })
})
