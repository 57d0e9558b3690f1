import { defineCheck, duration, milliseconds, type RoundTrip, summarize, z } from 'dbdoctor'

/** How often is asked: each is a connection that the server has to make. */
const attempts = { quick: 3, standard: 5, deep: 20 }
/** How many answers are enough where they take long, and how long that is, in milliseconds: over a distance they differ by little. */
const enough = 3
const patience = { quick: 1000, standard: 1000, deep: 60_000 }

type Evidence = { ms: number; budget: number; n: number }

export default defineCheck({
  id: 'connection/latency',
  title: 'Connecting and querying stay within budget',
  severity: 'warning',
  after: ['connection/opens'],
  docs: {
    why: 'A database that answers late makes time-outs that look like crashes, and every request pays for it.',
    fix: 'Look at load, network and name resolution between here and the server; use a connection pool.',
  },
  options: z.strictObject({ connect: duration.prefault('100ms'), query: duration.prefault('50ms') }),
  messages: {
    'slow-connect': ({ ms, budget, n }: Evidence) =>
      `connecting takes ${milliseconds(ms)} (median of ${n}), its budget is ${milliseconds(budget)}`,
    'slow-query': ({ ms, budget, n }: Evidence) =>
      `a first query takes ${milliseconds(ms)} (median of ${n}), its budget is ${milliseconds(budget)}`,
  },
  async run({ db, depth, options, report, measure, skip }) {
    const trips: RoundTrip[] = []
    const began = performance.now()
    // The first one warms what later ones find warm, and is dropped.
    while (trips.length <= attempts[depth]) {
      if (trips.length > enough && performance.now() - began > patience[depth]) break
      const trip = await db.roundTrip()
      if (trip.outcome === 'failed') return skip(trip.reason ?? 'unavailable', trip.text)
      trips.push(trip.value)
    }
    const connect = summarize(trips.slice(1).map((trip) => trip.connect))
    const query = summarize(trips.slice(1).map((trip) => trip.query))
    const n = trips.length - 1
    measure({ name: 'connect p50', value: connect.p50, unit: 'ms', budget: options.connect, n })
    measure({ name: 'connect p95', value: connect.p95, unit: 'ms', n })
    measure({ name: 'query p50', value: query.p50, unit: 'ms', budget: options.query, n })
    measure({ name: 'query p95', value: query.p95, unit: 'ms', n })
    if (connect.p50 > options.connect) report('slow-connect', { ms: connect.p50, budget: options.connect, n })
    if (query.p50 > options.query) report('slow-query', { ms: query.p50, budget: options.query, n })
  },
})
