import { createHash } from 'node:crypto'
import { layerOf, layers } from '../contracts/layers.js'
import type { OrphanRepair, Repair, StatementRepair } from '../contracts/repair.js'
import { type Catalog, nameOf } from '../dialects/catalog.js'
import type { Repairer } from '../dialects/repairer.js'
import { type Finding, type Report, targetName } from '../report/report.js'
import type { Reading } from './catalog.js'
import { fileStep } from './files.js'
import { type Drafting, movingStep, nullingStep } from './orphans.js'
import { type Services, serviceStep } from './services.js'
import type { Draft, OrphanMode, Plan, Step, Unmended } from './step.js'

/** What a plan is made from. */
export interface Diagnosed {
  readonly report: Report
  /** What mends each finding, by its fingerprint. */
  readonly repairs: ReadonlyMap<string, readonly Repair[]>
  /** Null where there is no database, or it lets nobody in. */
  readonly repairer: Repairer | null
  /** Null where it does not open. */
  readonly reading: Reading | null
  readonly services: Services
  readonly orphans: OrphanMode
}

interface Drafted extends Draft {
  readonly findings: readonly Finding[]
  /** It fails while a row violates what it promises. */
  readonly validates: boolean
}

/** A finding and one way to mend it. */
interface Way<R extends Repair = Repair> {
  readonly finding: Finding
  readonly repair: R
}

/**
 * Plans what mends the findings of a report, in the order in which it has to be done: from the lowest layer up; then what is promised of
 * rows, which may fail; services last.
 */
export async function planOf(diagnosed: Diagnosed): Promise<Plan> {
  const { report, repairs, repairer } = diagnosed
  const drafts: Drafted[] = []
  const reasons = new Map<Finding, string[]>()
  const add = (findings: readonly Finding[], drafting: Drafting, validates = false) => {
    if ('reason' in drafting) {
      for (const finding of findings) reasons.set(finding, [...(reasons.get(finding) ?? []), drafting.reason])
      return
    }
    // Several findings may be mended by one step.
    const at = drafts.findIndex((other) => sameWork(other) === sameWork(drafting.draft))
    const known = drafts[at]
    if (known) drafts[at] = { ...known, findings: [...known.findings, ...findings] }
    else drafts.push({ ...drafting.draft, findings, validates })
  }
  const all = report.results.flatMap((result) => result.findings)
  const findings = all.filter(({ severity, suppressed }) => severity !== 'info' && !suppressed)
  const isMended = (finding: Finding) => drafts.some((draft) => draft.findings.includes(finding))
  const ways = findings.flatMap((finding) =>
    (repairs.get(finding.fingerprint) ?? []).map((repair): Way => ({ finding, repair })),
  )
  // On damaged pages rows and parents are missing that were there: whoever tidies up after them loses more.
  const isDamaged = ways.some(({ repair }) => repair.kind === 'file' && repair.action === 'recover')
  for (const group of orphanGroups(ways, diagnosed.orphans))
    add(
      group.map(({ finding }) => finding),
      isDamaged ? damaged : await orphanStep(group, diagnosed),
    )
  for (const { finding, repair } of ways) {
    const violated = (other: Finding) => other !== finding && isViolation(other, finding) && !isMended(other)
    if (repair.kind === 'service') add([finding], serviceStep(repair, diagnosed.services))
    else if (repair.kind === 'file') add([finding], fileStep(repair, repairer))
    else if (repair.kind === 'statements' && repair.validates && all.some(violated)) add([finding], violating)
    else if (repair.kind === 'statements')
      add(
        [finding],
        isDamaged ? damaged : whereItOpens(diagnosed, (catalog) => statementStep(repair, finding, catalog)),
        repair.validates,
      )
  }
  const steps = drafts.sort(inOrder).map(({ findings: own, validates, ...draft }, at): Step => {
    const mended = own.map(({ address, fingerprint, message }) => ({ address, fingerprint, why: message }))
    return { number: at + 1, ...draft, findings: mended }
  })
  const identity = repairer?.identity ?? ''
  const unmended = findings
    .filter((finding) => !isMended(finding))
    .map((finding): Unmended => {
      const why = [finding.message, ...(reasons.get(finding) ?? [])].join('; ')
      return { address: finding.address, why, next: finding.next ?? [] }
    })
  return {
    schemaVersion: 1,
    id: idOf(identity, steps),
    dialect: report.target?.dialect ?? null,
    target: targetName(report),
    identity,
    refusal: repairer?.refusal ?? null,
    steps,
    unmended,
  }
}

const damaged = { reason: 'pages are damaged: save what can be read first; nothing else is changed here' }
const violating = { reason: 'rows violate it: decide about those first' }
const closed = { reason: 'the database has to open first' }

/** Whether a finding is of rows that violate the constraint which another one is about. */
function isViolation({ severity, evidence }: Finding, { evidence: own }: Finding): boolean {
  const names = ['schema', 'table', 'constraint'] as const
  return severity === 'error' && names.every((name) => evidence[name] !== undefined && evidence[name] === own[name])
}

function whereItOpens({ repairer, reading }: Diagnosed, draft: (catalog: Catalog) => Draft): Drafting {
  return repairer && reading ? { draft: draft(reading.catalog) } : closed
}

/** Rows of declared relationships go together, for one may point at the other; a guess is a step of its own, which can be left out. */
function orphanGroups(ways: readonly Way[], mode: OrphanMode): Way<OrphanRepair>[][] {
  const all = ways.filter((way): way is Way<OrphanRepair> => way.repair.kind === 'orphans')
  const isAlone = ({ repair }: Way<OrphanRepair>) => mode === 'null' || 'inferred' in repair.relationship
  const together = all.filter((way) => !isAlone(way))
  return [...(together.length > 0 ? [together] : []), ...all.filter(isAlone).map((way) => [way])]
}

async function orphanStep(group: readonly Way<OrphanRepair>[], diagnosed: Diagnosed): Promise<Drafting> {
  const { repairer, reading, orphans } = diagnosed
  const repairs = group.map(({ repair }) => repair)
  const [first] = repairs
  if (!repairer || !reading || !first) return closed
  return orphans === 'null' ? nullingStep(first, reading, repairer) : movingStep(repairs, reading, repairer, orphans)
}

/** Rows that a machine reads in a second, at least, while it builds an index or checks a constraint. */
const rowsInSecond = 200_000

function statementStep(repair: StatementRepair, { evidence }: Finding, catalog: Catalog): Draft {
  const { what, statements, lock, alone = false, undo, leftovers, rows = null } = repair
  const table = catalog.tables.find((one) => one.schema === evidence.schema && nameOf(one, catalog) === evidence.table)
  const reads = table?.rowsEstimate ?? null
  return {
    ...{ class: repair.class, what, statements, lock, alone, rows },
    ...(reads !== null && { reads }),
    seconds: reads === null ? null : Math.ceil(reads / rowsInSecond),
    locks: [],
    guards: [],
    images: [],
    undoQueries: undo === undefined ? [] : [undo],
    undo: [],
    undone: undo === undefined ? 'there is nothing to take back: no row and no setting changes' : 'as it was before',
    ...(leftovers !== undefined && { leftovers }),
  }
}

function sameWork({ statements, command, service }: Draft): string {
  return JSON.stringify([statements, command, service])
}

/** What runs upon another comes after it. */
const order = ['database-server', 'api-server', 'probe-user'] as const

function inOrder(one: Drafted, other: Drafted): number {
  const rank = ({ findings, service, validates, ...draft }: Drafted) => [
    service === undefined ? Number(validates) : 2,
    service === undefined
      ? Math.min(...findings.map(({ address }) => layers.indexOf(layerOf(address))))
      : order.indexOf(service),
    draft.class === 'data' ? 0 : 1,
  ]
  const [own, theirs] = [rank(one), rank(other)]
  return own.map((value, at) => value - (theirs[at] ?? 0)).find((difference) => difference !== 0) ?? 0
}

function idOf(identity: string, steps: readonly Step[]): string {
  const what = steps.map(({ statements, command, rows, guards, findings }) => [
    ...[statements, command, rows],
    findings.map(({ fingerprint }) => fingerprint),
    guards.map(({ expected }) => expected),
  ])
  return createHash('sha256')
    .update(JSON.stringify([identity, what]))
    .digest('hex')
    .slice(0, 12)
}
