import { defineCheck, type UnopenedOutcome } from 'dbdoctor'

type Evidence = { place: string; code: string; text: string }

/** Outcomes that say nothing about the database: we could not, or were not allowed to, try. */
const unknowns = {
  unavailable: 'unavailable',
  unsafe: 'unsafe',
  deadline: 'deadline',
  interrupted: 'interrupted',
} as const

export default defineCheck({
  id: 'connection/opens',
  title: 'The database can be opened',
  severity: 'error',
  after: [],
  docs: {
    why: 'Everything else stands on it, and "the database crashed" often means no more than a wrong path, port or password.',
    fix: 'Follow the outcome: start the server, correct the address, the name or the password, or restore the file.',
  },
  messages: {
    missing: ({ place }: Evidence) => `there is no file at ${place}`,
    'not-a-file': ({ place, text }: Evidence) => `${place} is not a file: ${text}`,
    empty: ({ place }: Evidence) => `${place} is empty: it holds no database, not even one without tables`,
    encrypted: ({ place }: Evidence) => `${place} looks encrypted: it holds whole pages of what looks like noise`,
    'not-a-database': ({ place, text }: Evidence) => `${place} is not a SQLite database: ${text}`,
    damaged: ({ place, text }: Evidence) => `${place} is damaged: ${text}`,
    locked: ({ place }: Evidence) => `another process holds a lock on ${place}`,
    unreadable: ({ place, text }: Evidence) => `${place} cannot be read: ${text}`,
    refused: ({ place }: Evidence) => `nothing listens at ${place}`,
    unresolved: ({ place }: Evidence) => `the host name of ${place} does not resolve`,
    timeout: ({ place }: Evidence) => `${place} did not answer in time`,
    closed: ({ place }: Evidence) => `${place} closed the connection before the database answered`,
    'wrong-service': ({ place }: Evidence) => `what listens at ${place} is not PostgreSQL`,
    denied: ({ place, text }: Evidence) => `${place} refused the login: ${text}`,
    'no-such-database': ({ text }: Evidence) => `the server is up, but ${text}`,
    'too-many-connections': ({ place, text }: Evidence) => `the server at ${place} is up, and full: ${text}`,
    starting: ({ place, text }: Evidence) => `the server at ${place} does not accept connections yet: ${text}`,
    tls: ({ place, text }: Evidence) => `no secure connection to ${place}: ${text}`,
    other: ({ place, code, text }: Evidence) => `${place} could not be opened: ${text}${code && ` (${code})`}`,
  } satisfies Record<Exclude<UnopenedOutcome, keyof typeof unknowns>, unknown>,
  async run({ connect, report, skip, measure }) {
    const opening = await connect()
    if (opening.outcome === 'opened') return measure({ name: 'open', value: opening.ms, unit: 'ms', n: 1 })
    const { outcome, place, code, text } = opening
    if (outcome in unknowns) return skip(unknowns[outcome as keyof typeof unknowns], text)
    report(outcome as Exclude<UnopenedOutcome, keyof typeof unknowns>, { place, code, text })
  },
})
