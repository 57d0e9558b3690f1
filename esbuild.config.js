import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { build } from 'esbuild'

// A hundred small modules take longer to find than to run: bundled, the command line starts in a third of the time.
/** Programs, each in one file. What they import when they need it, they share with the library. */
const programs = ['bin/dbdoctor.ts', 'src/dialects/sqlite/child.ts', 'src/dialects/sqlite/guard.ts']
/** Chunks are shared, so that a plugin, the checks and the commands have one and the same engine. */
const library = ['bin/index.ts', 'bin/testing.ts', 'checks/index.ts', 'fixtures/demo/program.ts']
/** What programs import when they need it. */
const later = new Set()

const options = {
  outdir: 'dist',
  outbase: '.',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Where a package comes in both kinds, its module: a bundled UMD hides its names.
  mainFields: ['module', 'main'],
  alias: { dbdoctor: './src/index.ts' },
  // What is native, or loads code by itself; and, of what is a single file and rarely wanted, what nobody should have to install twice.
  external: ['better-sqlite3', 'pg-native', 'jiti', 'hash-wasm', 'junit-report-builder'],
  // CommonJS packages call require, which a module has to make for itself.
  banner: {
    js: "import { createRequire as $createRequire } from 'node:module'; const require = $createRequire(import.meta.url);",
  },
  // Less to read at each start; names stay, for the stack of a bug.
  minifyWhitespace: true,
  minifySyntax: true,
  // The licences of what is bundled are gathered in one file.
  legalComments: 'none',
  metafile: true,
  plugins: [
    { name: 'zod-in-english', setup: speakEnglish },
    { name: 'pg-on-node', setup: stayOnNode },
  ],
  logLevel: 'warning',
}
const built = []
for (const program of programs)
  built.push(await build({ ...options, entryPoints: [program], plugins: [apart(program)] }))
built.push(await build({ ...options, entryPoints: [...library, ...later], splitting: true }))

/** Leaves what a program imports when it needs it to the library, where it has the place that it has in the sources. */
function apart(program) {
  const setup = ({ onResolve }) =>
    onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined
      const module = relative('.', join(resolveDir, path))
      later.add(module.replace(/\.js$/, '.ts'))
      return { path: `./${relative(dirname(program), module)}`, external: true }
    })
  return { name: 'apart', setup }
}

/** zod brings its messages in fifty languages, which is half of its size. */
function speakEnglish({ onResolve, onLoad }) {
  onResolve({ filter: /\/locales\/index\.js$/ }, ({ resolveDir }) =>
    resolveDir.includes('/zod/') ? { path: resolveDir, namespace: 'zod-in-english' } : undefined,
  )
  onLoad({ filter: /.*/, namespace: 'zod-in-english' }, ({ path }) => ({
    contents: "export { default as en } from '../locales/en.js'",
    resolveDir: path,
  }))
}

/** pg finds out whether this is a Cloudflare worker: for that, Node 20 would load all of its fetch at each start. */
function stayOnNode({ onLoad }) {
  onLoad({ filter: /[\\/]pg[\\/]lib[\\/]stream\.js$/ }, () => ({
    contents: `exports.getStream = () => new (require('net').Socket)()
      exports.getSecureStream = (options) => require('tls').connect(options)`,
  }))
}

/** Of the declarations, those that the package's own lead to: the rest is most of them, and nobody can name it. */
async function dropInnerTypes(roots) {
  const told = new Set()
  const follow = async (file) => {
    if (told.has(file)) return
    told.add(file)
    for (const [, path] of (await readFile(file, 'utf8')).matchAll(/(?:from |import\()['"](\.[^'"]+)\.js['"]/g))
      await follow(`${resolve(file, '..', path)}.d.ts`)
  }
  for (const root of roots) await follow(resolve(root))
  for (const name of await readdir('dist', { recursive: true }))
    if (name.endsWith('.d.ts') && !told.has(resolve('dist', name))) await rm(join('dist', name))
}

/** The folders of the packages of which something is in the bundles. */
function bundledPackages() {
  const inputs = built.flatMap(({ metafile }) => Object.values(metafile.outputs).map((output) => output.inputs))
  const held = inputs.flatMap(Object.entries).filter(([, { bytesInOutput }]) => bytesInOutput > 0)
  const folderOf = /^(?:[\w-]+:)?(?<folder>.*node_modules\/(?:@[^/]+\/)?[^/]+)\//
  return new Set(held.flatMap(([path]) => folderOf.exec(path)?.groups.folder ?? []).map((path) => resolve(path)))
}

/** Writes the licences of those packages, which ask to go wherever a copy goes; one that is of several is written once. */
async function writeLicences() {
  const holders = new Map()
  for (const folder of [...bundledPackages()].sort()) {
    const { name, version, license, author } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    const file = (await readdir(folder)).find((one) => /^licen[cs]e(\.\w+)?$/i.test(one))
    const text = file ? await readFile(join(folder, file), 'utf8') : `${license}, ${author?.name ?? author}`
    const names = holders.get(text.trim()) ?? new Set()
    holders.set(text.trim(), names.add(`${name} ${version}`))
  }
  const head = 'dbdoctor contains parts of these packages, each under the licence that follows its name.'
  const notices = Array.from(holders, ([text, names]) => `${[...names].join('\n')}\n\n${text}`)
  await writeFile('dist/LICENSES.txt', `${[head, ...notices].join(`\n\n${'-'.repeat(80)}\n\n`)}\n`)
}

await writeLicences()
await dropInnerTypes(['dist/bin/index.d.ts', 'dist/bin/testing.d.ts', 'dist/checks/index.d.ts'])
await chmod('dist/bin/dbdoctor.js', 0o755)
