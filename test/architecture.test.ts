import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import builtIn from '../checks/index.js'
import { layers } from '../src/contracts/layers.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const files = ['bin', 'src', 'checks', 'fixtures'].flatMap((folder) => sources(join(root, folder)))

/** A law: files here may import only this. What packages a room may import, and that there are no circles, is a rule of the linter (biome.json). The reason is what a failing test tells. */
interface Law {
  readonly of: RegExp
  readonly mayImport?: RegExp
  readonly mayNotImport?: RegExp
  readonly because: string
}

const laws: readonly Law[] = [
  {
    of: /^bin\/dbdoctor\.ts/,
    mayImport: /^(src\/cli\/|checks\/|fixtures\/)/,
    because: 'the executable only joins the parts',
  },
  {
    of: /^bin\/(index|testing)\.ts/,
    mayImport:
      /^(src\/index\.ts|src\/(engine\/(diagnose|testing)|contracts\/check|report\/report)\.ts|checks\/index\.ts)/,
    because: 'the package only joins the engine and its checks',
  },
  {
    of: /^checks\/(?!(diagnoses\/)?index\.ts)/,
    mayImport: /^dbdoctor$/,
    because: "a check can be copied into a user's repository and works",
  },
  {
    of: /^checks\/(diagnoses\/)?index\.ts/,
    mayImport: /^(dbdoctor$|checks\/)/,
    because: 'the built-in checks are a plugin like any other',
  },
  {
    of: /^src\//,
    mayNotImport: /^(checks|fixtures|bin|test)\//,
    because: 'the engine knows what a check is, never which checks there are',
  },
  {
    of: /^src\/reporters\//,
    mayImport:
      /^(src\/(reporters|report|values)\/|src\/contracts\/reporter\.ts|chalk$|cli-table3$|escape-html$|junit-report-builder$|sarif$)/,
    because: 'a reporter is a pure function of the report',
  },
  {
    of: /^src\/(?!cli\/)/,
    mayNotImport: /^src\/cli\//,
    because: 'programs go the same way as the command line, without it',
  },
  {
    of: /^fixtures\//,
    mayNotImport: /^(src|checks)\//,
    because: 'the demo is an application that dbdoctor examines, not a part of it',
  },
]

describe('imports', () => {
  for (const { of, mayImport, mayNotImport, because } of laws) {
    test(`${of.source}: ${because}`, () => {
      const own = files.filter((file) => of.test(file))
      expect(own).not.toEqual([])
      const broken = own.flatMap((file) =>
        importsOf(file)
          .filter((target) => (mayImport && !mayImport.test(target)) || mayNotImport?.test(target))
          .map((target) => `${file} imports ${target}`),
      )
      expect(broken).toEqual([])
    })
  }

  test('the demo needs no package at run time that dbdoctor does not need anyway', () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>
    }
    const packages = files.filter((file) => file.startsWith('fixtures/')).flatMap((file) => importsOf(file))
    expect(
      packages.filter((name) => !name.includes('/') && !name.startsWith('node:') && !(name in dependencies)),
    ).toEqual([])
  })
})

describe('the rooms', () => {
  /** Rooms whose parts depend on others' when they run; types alone bind nobody. What all may use is in no picture. */
  const arrows = () => {
    const open = ['contracts', 'values']
    const pairs = files.flatMap((file) =>
      importsOf(file, 'values')
        .map((target) => (target === 'dbdoctor' ? 'src/index.ts' : target))
        .filter((target) => files.includes(target))
        .map((target) => [roomOf(file), roomOf(target)] as const),
    )
    const between = pairs.filter(([from, to]) => from !== to && !open.includes(to))
    return [...new Set(between.map(([from, to]) => `${from} --> ${to}`))].sort()
  }

  test('in src lies nothing loose but what the package exports', () => {
    expect(files.filter((file) => /^src\/[^/]+$/.test(file))).toEqual(['src/index.ts'])
  })

  test('the picture in docs/architecture.md shows the imports between them', () => {
    const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
    const drawn = [...(/```mermaid\n([\s\S]*?)```/.exec(page)?.[1] ?? '').matchAll(/^ *(\w+ --> [\w &]+)$/gm)]
    const lines = drawn.flatMap(([, line = '']) => {
      const [from = '', to = ''] = line.split(' --> ')
      return to.split(' & ').map((one) => `${from} --> ${one}`)
    })
    expect(lines.sort()).toEqual(arrows())
  })

  test('each has its line there', () => {
    const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
    const rooms = new Set(files.filter((file) => /^src\/.*\//.test(file)).map((file) => `**src/${roomOf(file)}/**`))
    expect([...rooms].filter((room) => !page.includes(room))).toEqual([])
  })

  test('nothing that is built upon imports what is built upon it', () => {
    const open = new Set(['contracts', 'values'])
    const upward = files.flatMap((file) =>
      open.has(roomOf(file))
        ? importsOf(file, 'values').filter((target) => files.includes(target) && !open.has(roomOf(target)))
        : [],
    )
    expect(upward).toEqual([])
    expect(
      files
        .filter((file) => roomOf(file) === 'values')
        .flatMap((file) => importsOf(file))
        .filter((target) => roomOf(target) === 'contracts'),
    ).toEqual([])
  })
})

describe('the world outside', () => {
  const outsideCli = files.filter((file) => !file.startsWith('src/cli/'))
  const uses = (pattern: RegExp) => outsideCli.filter((file) => pattern.test(code(file)))

  test('only src/cli reads arguments and the environment, and sets the exit code', () => {
    // The SQLite process sets a variable of its own for its driver, and ends when its parent is gone. The demo application is a program too.
    expect(uses(/process\.(argv|exitCode|exit\()|process\.env(?!\.\w+ = )/)).toEqual([
      'src/dialects/sqlite/child.ts',
      'fixtures/demo/program.ts',
    ])
    expect(code('src/dialects/sqlite/child.ts')).not.toMatch(/process\.(argv|exitCode)|process\.env(?!\.\w+ = )/)
  })

  test('only src/cli writes to a terminal', () => {
    expect(uses(/console\.|process\.(stdout|stderr)/)).toEqual([])
  })

  test('the dialect is asked for behind its interface, not by name', () => {
    expect(files.filter((file) => /dialect(\.name)? *=== *'(sqlite|postgres)'/.test(code(file)))).toEqual([])
  })

  test('the engine and its checks never build SQL from strings', () => {
    expect(files.filter((file) => !file.startsWith('fixtures/') && /sql\.raw\(`/.test(code(file)))).toEqual([])
  })
})

describe('the registry', () => {
  const checkFiles = layers.flatMap((layer) => sources(join(root, 'checks', layer)))
  const registered = builtIn.checks ?? []

  test('every file in a layer is a registered check, and its path is its id', async () => {
    const ids = await Promise.all(
      checkFiles.map(async (file) => {
        const { default: check } = (await import(join(root, file))) as { default: { id: string } }
        expect(`checks/${check.id}.ts`).toBe(file)
        return check.id
      }),
    )
    expect(registered.map(({ id }) => id).sort()).toEqual(ids.sort())
  })

  test('every diagnosis is registered under the name of its file', () => {
    const names = sources(join(root, 'checks/diagnoses'))
      .map((file) => basename(file, '.ts'))
      .filter((name) => name !== 'index')
    expect((builtIn.diagnoses ?? []).map(({ id }) => id).sort()).toEqual(names.sort())
  })

  test.each(registered.map((check) => [check.id, check] as const))(
    '%s is documented, tested, and has its parts in order',
    (id, check) => {
      expect(check.docs.why.length).toBeGreaterThan(20)
      expect(check.docs.fix.length).toBeGreaterThan(10)
      expect(existsSync(join(root, 'test/checks', `${id}.test.ts`)), `test/checks/${id}.test.ts`).toBe(true)
      const order = [
        'id',
        'title',
        'severity',
        'after',
        'needs',
        'depth',
        'lock',
        'docs',
        'capability',
        'promises',
        'options',
        'messages',
        'run',
      ]
      const keys = Object.keys(check)
      expect(keys).toEqual(order.filter((part) => keys.includes(part)))
    },
  )
})

/** A folder of the tree, or one in src; what lies in src itself is what the package exports. */
function roomOf(file: string): string {
  const [top = '', room = '', inside] = file.split('/')
  if (top !== 'src') return top
  return inside === undefined ? 'dbdoctor' : room
}

/** What a file imports: packages' names, and paths from the root; `values` leaves out what types alone are imported from. */
function importsOf(file: string, kind: 'all' | 'values' = 'all'): string[] {
  const statements = code(file).matchAll(
    /^(?:import|export) (type )?([^'"]*?)from '([^']+)'|import\('([^']+)'\)|^import '([^']+)'/gm,
  )
  return [...statements].flatMap(([, type, names = '', from, dynamic, effect]) => {
    const named = /^\{(.*)\}/s
      .exec(names.trim())?.[1]
      ?.split(',')
      .map((name) => name.trim())
      .filter(Boolean)
    const typesAlone = type !== undefined || (named?.every((name) => name.startsWith('type ')) ?? false)
    if (kind === 'values' && from !== undefined && typesAlone) return []
    const specifier = from ?? dynamic ?? effect ?? ''
    return specifier.startsWith('.')
      ? [relative(root, resolve(root, dirname(file), specifier)).replace(/\.js$/, '.ts')]
      : [specifier]
  })
}

function code(file: string): string {
  return readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
}

function sources(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) return sources(path)
    return name.endsWith('.ts') ? [relative(root, path)] : []
  })
}
