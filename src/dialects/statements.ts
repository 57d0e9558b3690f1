import { AsyncLocalStorage } from 'node:async_hooks'

const listening = new AsyncLocalStorage<Set<string>>()

/** Tells whoever listens around this of a statement that is sent. */
export function noteStatement(text: string): void {
  listening.getStore()?.add(text)
}

/** Runs work, and collects the statements that it sends to a database: each once, its values left out as parameters. */
export function listen<T>(statements: Set<string>, work: () => T): T {
  return listening.run(statements, work)
}
