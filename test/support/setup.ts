/** Runs before each file of tests, also where several of them share a process. */
import { cleanUpAfterwards } from './cleanups.js'

cleanUpAfterwards()
