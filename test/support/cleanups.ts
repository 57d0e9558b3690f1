/** What a file of tests leaves behind, and the end of it. */
import { afterAll } from 'vitest'

const cleanups: (() => Promise<unknown> | unknown)[] = []

/** Runs something after the tests of this file, last come first. */
export function afterwards(cleanup: () => Promise<unknown> | unknown): void {
  cleanups.push(cleanup)
}

/** To be called once for each file of tests: files that run in one process share this module. */
export function cleanUpAfterwards(): void {
  afterAll(async () => {
    while (cleanups.length > 0) await cleanups.pop()?.()
  })
}
