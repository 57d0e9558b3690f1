import { execFileSync } from 'node:child_process'
import 'vitest'
import type { TestProject } from 'vitest/node'
import { startPostgres } from './postgres.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser's connection string. */
    postgres: string
  }
}

/** Builds what the tests run as users do, and has one PostgreSQL server ready for all of them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  execFileSync('npm', ['run', 'build', '--silent'], { stdio: 'inherit' })
  const given = process.env.DBDOCTOR_TEST_POSTGRES_URL
  if (given) {
    project.provide('postgres', given)
    return async () => {}
  }
  // Nobody tests what a crash leaves of this one, and nobody but a test writes to it.
  const server = await startPostgres(['autovacuum_naptime=1d', 'full_page_writes=off', 'synchronous_commit=off'])
  project.provide('postgres', server.url)
  return () => server.stop()
}
