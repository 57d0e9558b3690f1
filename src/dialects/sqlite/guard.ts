/**
 * A thread of the SQLite child. A statement blocks the child's own thread, for hours where nobody ends it; when the parent is gone,
 * this one still removes the private copy and ends the process.
 */
import { rmSync } from 'node:fs'
import { workerData } from 'node:worker_threads'

const { parent, folder }: { parent: number; folder: string } = workerData

setInterval(() => {
  if (process.ppid === parent) return
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  process.kill(process.pid, 'SIGKILL')
}, 250)
