/**
 * Starts processes that hold SQLite and ends each while its first answer is on its way. A parent whose event loop runs dry meanwhile
 * ends early, and says how many it got to.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { startLink } from '../../../src/dialects/sqlite/link.js'

const rounds = 8
let ended = 0
process.on('exit', () => console.log(`${ended} of ${rounds}`))

/** Stands still, so that what happens meanwhile is seen all at once. */
const standStill = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

for (let round = 0; round < rounds; round++) {
  const link = startLink()
  await turn()
  standStill(300)
  const gone = link.kill()
  standStill(round)
  await gone
  ended++
}
