import { z } from 'zod'
import { parseDuration } from '../duration.js'
import { isReference, type Reference } from './reference.js'

const unit = 'write a time with its unit: 250ms, 5s, 15m, 7d'

/** A time with its unit, as milliseconds. */
export const duration = z.string({ error: unit }).transform((text, context): number => {
  const milliseconds = parseDuration(text)
  if (milliseconds !== null) return milliseconds
  context.addIssue({ code: 'custom', message: unit })
  return z.NEVER
})

const form = "write a string that is not empty, env('NAME') or file('PATH')"

/** A text that may come from the environment or a file. */
export const text = z.union([z.string().min(1, { error: form }), z.custom<Reference>(isReference)], { error: form })

/** The name of something in a database, or of a field. */
export const name = z.string().min(1)
