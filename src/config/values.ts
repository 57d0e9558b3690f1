import { z } from 'zod'
import { durationPattern, parseDuration } from '../values/duration.js'
import { parseBytes } from '../values/text.js'
import { isReference, type Reference } from './reference.js'

// A schema is asked once or twice in a run: to compile it takes longer than it saves.
z.config({ jitless: true })

const unit = 'write a time with its unit: 250ms, 5s, 15m, 7d'

/** A time with its unit, as milliseconds. */
export const duration = z
  .string({ error: unit })
  .transform((text, context): number => {
    const milliseconds = parseDuration(text)
    if (milliseconds !== null) return milliseconds
    context.addIssue({ code: 'custom', message: unit })
    return z.NEVER
  })
  // For editors, which know nothing of a transformation.
  .meta({ title: 'time', pattern: durationPattern.source })

const sizeUnit = 'write a size with its unit: 16MB, 1GB'

/** A size with its unit, as bytes. */
export const size = z
  .string({ error: sizeUnit })
  .transform((text, context): number => {
    const count = parseBytes(text)
    if (count !== null) return count
    context.addIssue({ code: 'custom', message: sizeUnit })
    return z.NEVER
  })
  .meta({ title: 'size', pattern: '^\\d+(\\.\\d+)? ?(kB|MB|GB|TB)$' })

const form = "write a string that is not empty, env('NAME') or file('PATH')"

/** A text that may come from the environment or a file. */
export const text = z
  .union([z.string().min(1, { error: form }), z.custom<Reference>(isReference)], { error: form })
  .meta({ title: 'text' })

/** The name of something in a database, or of a field. */
export const name = z.string().min(1)
