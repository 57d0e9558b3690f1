import { chmod } from 'node:fs/promises'
import { build } from 'esbuild'

// A hundred small modules take longer to find than to run: bundled, the command line starts in a third of the time. Chunks are shared, so
// that a plugin, the checks and the command line have one and the same engine. What is native or loads code by itself stays outside.
await build({
  entryPoints: [
    'bin/dbdoctor.ts',
    'src/index.ts',
    'checks/index.ts',
    'src/dialects/sqlite/child.ts',
    'src/dialects/sqlite/guard.ts',
  ],
  outdir: 'dist',
  outbase: '.',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  alias: { dbdoctor: './src/index.ts' },
  external: ['better-sqlite3', 'pg-native', 'jiti'],
  // CommonJS packages call require, which a module has to make for itself.
  banner: {
    js: "import { createRequire as $createRequire } from 'node:module'; const require = $createRequire(import.meta.url);",
  },
  legalComments: 'none',
  logLevel: 'warning',
})
await chmod('dist/bin/dbdoctor.js', 0o755)
