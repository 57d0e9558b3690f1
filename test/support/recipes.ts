import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { createJiti } from 'jiti'
import { testFolder } from './databases.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The files that a document writes: those that it names right above a block of code, `like.ts`. */
export async function filesOf(document: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(root, document), 'utf8')
  const blocks = [...text.matchAll(/^`([^`\n]+)`[^\n]*:\n\n```\w+\n([\s\S]*?)^```$/gm)]
  return new Map(blocks.map(([, name = '', code = '']) => [name, code]))
}

/** A project of somebody's who has installed dbdoctor and these packages, with these files in it. */
export async function projectWith(
  files: Iterable<readonly [name: string, code: string]>,
  packages: readonly string[] = [],
): Promise<string> {
  const folder = await testFolder()
  await mkdir(join(folder, 'node_modules'))
  await symlink(root, join(folder, 'node_modules/dbdoctor'))
  for (const name of packages) {
    await mkdir(dirname(join(folder, 'node_modules', name)), { recursive: true })
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
  for (const [name, code] of [['package.json', '{ "type": "module" }'] as const, ...files]) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), code)
  }
  return folder
}

/** What the compiler has against a project, under a way to find modules; nothing where it is well. */
export async function complaintsOf(folder: string, files: readonly string[], resolution: string): Promise<string> {
  const module = resolution === 'bundler' ? 'esnext' : resolution
  const { stdout } = await execa(
    process.execPath,
    [
      join(root, 'node_modules/typescript/bin/tsc'),
      ...['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', '--target', 'es2022'],
      ...['--module', module, '--moduleResolution', resolution],
      ...['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node'],
      ...files,
    ],
    { cwd: folder, reject: false },
  )
  return stdout
}

/** A module of a project as it runs there, with the built package. */
export function imported<Module>(folder: string, file: string): Promise<Module> {
  return createJiti(join(folder, 'package.json')).import(join(folder, file))
}
