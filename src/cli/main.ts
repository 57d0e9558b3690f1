import { writeSync } from 'node:fs'
import { CommanderError } from 'commander'
import { DbdoctorError } from '../contracts/errors.js'
import { inert } from '../values/inert.js'
import type { Parts } from './parts.js'
import { createProgram } from './program.js'

/** What a command that could not even be understood, or broke, ends with. */
const unusable = 2

/** Runs the command line. The process starts with a failing exit code, and earns its 0 when all output has been written. */
export async function main(parts: Parts): Promise<void> {
  process.exitCode = unusable
  process.on('uncaughtException', (error) => {
    writeSync(2, `${error.stack}\n`)
    process.exit(unusable)
  })
  // A reader that has gone away is told by the write that fails.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

  let earned = unusable
  const program = createProgram(parts, (code) => {
    earned = code
  })
  try {
    if (process.argv.length <= 2) program.help({ error: true })
    await program.parseAsync(process.argv)
    process.exitCode = earned
  } catch (error) {
    process.exitCode = exitCodeFor(error)
  }
}

/** Says what went wrong: commander has spoken for itself, a user's mistake takes two lines, and a bug its stack. */
function exitCodeFor(error: unknown): number {
  // Commander's own 1 for bad usage is our 2; help and version that were asked for are its 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : unusable
  if (error instanceof DbdoctorError)
    process.stderr.write(`dbdoctor: ${inert(error.message)}\n  ${inert(error.hint)}\n`)
  else process.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
  return unusable
}
