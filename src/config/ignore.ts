import { z } from 'zod'
import { name } from './values.js'

/** A day, `2027-01-01`: what is accepted until then is accepted on that day still, in UTC. */
export const day = z.iso.date({ error: 'write a day: 2027-01-01' })

/** Findings that are accepted on purpose, by their address and the object that they are about. */
export const ignoreConfig = z
  .array(
    z.strictObject({
      address: z
        .string()
        .regex(/^[^#\s]+\/[^#\s]+#\S+$/, { error: 'write the address of a finding: schema/tables#missing' })
        .describe('The address of the finding, as reports print it: `schema/tables#missing`.'),
      object: name.optional().describe('A glob of the objects that it is about: `audit_log.*`. Left out: all.'),
      reason: name.describe('Why it is accepted. Reports repeat it.'),
      expires: day.optional().describe('The last day on which it is accepted, in UTC: `2027-01-01`.'),
    }),
  )
  .default([])
  .describe('Findings that are accepted in writing: they set no exit code, and stay in sight.')
