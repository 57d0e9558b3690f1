import { join } from 'node:path'
import builtIn from '../../checks/index.js'
import { parseConfig } from '../../src/config/config.js'
import { givenBy } from '../../src/config/given.js'
import { dialectOf, parseTarget } from '../../src/dialects/target.js'
import { createRegistry } from '../../src/engine/registry.js'
import { run } from '../../src/engine/run.js'
import { select } from '../../src/engine/selection.js'
import { schemas } from './schemas.js'
import { build, parse, truth } from './score.js'

export interface Score {
  readonly schema: string
  readonly wanted: number
  readonly found: number
  readonly right: number
  readonly missed: readonly string[]
  readonly wrong: readonly string[]
  /** Rows that are called orphaned, in databases where none is. */
  readonly alarms: readonly string[]
}

/** Takes the foreign keys from well-known schemas, and counts how many the check finds again, and how many that never were. */
export async function evaluate(folder: string): Promise<Score[]> {
  const scores: Score[] = []
  for (const [schema, text] of Object.entries(schemas)) {
    const tables = parse(text)
    const file = join(folder, `${schema}.db`)
    build(tables, file)
    const config = parseConfig({}, 'the evaluation')
    const registry = createRegistry([builtIn])
    const selection = select(registry, config, { only: ['integrity/orphaned-rows'], depth: 'standard' })
    const { results } = await run({
      registry,
      selection,
      config,
      ...givenBy(config, selection.needs, { environment: {}, folder }),
      dialect: await dialectOf(parseTarget(`sqlite:${file}`), {}),
      version: '0.0.0',
      baseline: [],
      depth: 'standard',
      wait: 0,
      deadline: 60_000,
      concurrency: 1,
      samples: 5,
      showValues: false,
      interrupt: new AbortController().signal,
      onEvent: () => {},
    })
    const findings = results.find(({ id }) => id === 'integrity/orphaned-rows')?.findings ?? []
    const single = findings.filter(({ evidence }) => Array.isArray(evidence.columns) && evidence.columns.length === 1)
    const found = new Set(single.map(({ evidence }) => `${evidence.table}.${evidence.columns} -> ${evidence.parent}`))
    const wanted = new Set(truth(tables).map(({ table, column, parent }) => `${table}.${column} -> ${parent}`))
    scores.push({
      schema,
      wanted: wanted.size,
      found: found.size,
      right: [...wanted].filter((one) => found.has(one)).length,
      missed: [...wanted].filter((one) => !found.has(one)),
      wrong: [...found].filter((one) => !wanted.has(one)),
      alarms: findings.filter(({ severity }) => severity !== 'info').map(({ message }) => message),
    })
  }
  return scores
}
