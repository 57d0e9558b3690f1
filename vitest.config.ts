import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'

/** What takes longer than a push should wait for: `npm run test:long`. */
const long = 'test/**/*.long.test.ts'

export default defineConfig({
  resolve: { alias: [{ find: /^dbdoctor$/, replacement: fileURLToPath(new URL('./src/index.ts', import.meta.url)) }] },
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/setup.ts'],
    // A process runs many files: what they import is loaded once, and none of them leaves state behind.
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Most tests wait for a process or a server: as many at a time as the smallest machine has cores.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: { name: 'tests', include: ['test/**/*.test.ts'], exclude: [...configDefaults.exclude, long] },
      },
      { extends: true, test: { name: 'long', include: [long], testTimeout: 600_000 } },
    ],
  },
})
