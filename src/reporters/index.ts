import { json } from './json.js'
import { pretty } from './pretty.js'
import type { Reporter } from './reporter.js'

/** The formats that a report comes in. */
export const reporters: readonly Reporter[] = [pretty, json]
