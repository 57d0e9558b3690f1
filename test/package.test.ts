import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { executable } from './support/cli.js'
import { testDatabase, testFolder } from './support/databases.js'

const root = fileURLToPath(new URL('..', import.meta.url))

/** A project that has installed the package, with what it depends on at run time and nothing else. */
async function installed(): Promise<string> {
  const cwd = await testFolder()
  const modules = join(cwd, 'node_modules')
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'))
  const names = new Set<string>()
  const add = (name: string) => {
    const entry = packages[`node_modules/${name}`]
    if (!entry || names.has(name)) return
    names.add(name)
    for (const more of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) add(more)
  }
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) add(name)
  for (const name of names) {
    await mkdir(dirname(join(modules, name)), { recursive: true })
    await symlink(join(root, 'node_modules', name), join(modules, name))
  }
  await mkdir(join(modules, 'dbdoctor'))
  for (const part of ['dist', 'package.json'])
    await cp(join(root, part), join(modules, 'dbdoctor', part), { recursive: true })
  await writeFile(join(cwd, 'package.json'), '{ "type": "module" }')
  return cwd
}

test.each([
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
])('its types need nothing that it does not bring (module %s)', async (module, resolution) => {
  const cwd = await installed()
  await writeFile(
    join(cwd, 'mine.ts'),
    `import { type Check, defineCheck, diagnose, type Report } from 'dbdoctor'
     import { examine } from 'dbdoctor/testing'
     export const report: Promise<Report> = diagnose({ target: 'x.db' })
     export type Mine = Check
     export { defineCheck, examine }`,
  )
  const { stdout } = await execa(
    process.execPath,
    [
      join(root, 'node_modules/typescript/bin/tsc'),
      ...['--noEmit', '--strict', '--target', 'es2022', '--preserveSymlinks', '--types', ''],
      ...['--module', module, '--moduleResolution', resolution, 'mine.ts'],
    ],
    { cwd, reject: false },
  )
  expect(stdout).toBe('')
})

test('with what is bundled go its licences', async () => {
  const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const text = await readFile(join(root, 'dist/LICENSES.txt'), 'utf8')
  const licensed = new Set(Array.from(text.matchAll(/^(@?[a-z][\w/-]+) \d+\.\d+\.\d+$/gm), ([, name]) => name))
  // Installed beside it, each with its own.
  const beside = ['better-sqlite3', 'jiti', 'hash-wasm', 'junit-report-builder']
  expect(Object.keys(dependencies).filter((name) => !licensed.has(name))).toEqual(beside.sort())
  // What the bundled ones brought along themselves.
  expect(licensed).toContain('pg-protocol')
  expect(text.match(/Permission is hereby granted/g)?.length).toBeGreaterThan(20)
})

test('the links of its pages lead to what it brings', async () => {
  const { files } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const text = await readFile(join(root, 'README.md'), 'utf8')
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link = '']) => link)
  expect(links.length).toBeGreaterThan(3)
  const brought = (link: string) =>
    [...files, 'README.md', 'LICENSE'].some((one: string) => link === one || link.startsWith(`${one}/`))
  expect(links.filter((link) => !brought(link))).toEqual([])
})

test('the command line starts without what it may not need', async () => {
  const loaded = new Map<string, number>()
  const load = async (file: string): Promise<void> => {
    if (loaded.has(file)) return
    const text = await readFile(file, 'utf8')
    loaded.set(file, text.length)
    for (const [, path = ''] of text.matchAll(/(?:from|import)"(\.[^"]+)"/g)) await load(join(dirname(file), path))
  }
  await load(executable)
  // commander, and what the options are checked against: a validator of configs, a driver or a reporter is larger than all of it.
  expect([...loaded.values()].reduce((sum, size) => sum + size)).toBeLessThan(120_000)
})

test('without the driver of SQLite it says so, and how to get it', async () => {
  const cwd = await installed()
  const { target } = await testDatabase('sqlite', 'create table t (a)')
  const check = async () => {
    const bin = join(cwd, 'node_modules/dbdoctor/dist/bin/dbdoctor.js')
    const { stdout } = await execa(
      process.execPath,
      [bin, 'check', target, '--only', 'connection/opens', '-f', 'json'],
      {
        cwd,
        reject: false,
      },
    )
    return JSON.parse(stdout).results[0]
  }
  expect((await check()).status).toBe('pass')

  const driver = join(cwd, 'node_modules/better-sqlite3')
  await rm(driver)
  const said = expect.stringContaining('npm install better-sqlite3')
  expect(await check()).toMatchObject({ status: 'skip', skip: { reason: 'unavailable', detail: said } })

  const compiled = `${join(root, 'node_modules/better-sqlite3/build')}/`
  await cp(join(root, 'node_modules/better-sqlite3'), driver, {
    recursive: true,
    filter: (from) => !`${from}/`.startsWith(compiled),
  })
  expect(await check()).toMatchObject({ status: 'skip', skip: { reason: 'unavailable', detail: said } })
})
