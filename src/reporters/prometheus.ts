import type { Reporter } from '../contracts/reporter.js'
import { type Report, targetName } from '../report/report.js'
import { inert } from '../values/inert.js'

type Labels = Readonly<Record<string, string>>

interface Family {
  readonly name: string
  readonly help: string
  readonly samples: readonly (readonly [labels: Labels, value: number])[]
}

const statuses = ['pass', 'warn', 'fail', 'expected', 'skip', 'crash'] as const
const verdicts = ['healthy', 'degraded', 'unhealthy', 'inconclusive'] as const
const states = ['intact', 'damaged', 'unreachable', 'unverified'] as const

/**
 * Gauges for the textfile collector: state sets are 1 where they hold and 0 where they do not, so that an alert need not guess.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export const prometheus: Reporter = {
  name: 'prometheus',
  render(report) {
    const target = targetName(report)
    return familiesOf(report)
      .filter(({ samples }) => samples.length > 0)
      .map(({ name, help, samples }) =>
        [
          `# HELP dbdoctor_${name} ${help}`,
          `# TYPE dbdoctor_${name} gauge`,
          ...samples.map(([labels, value]) => `dbdoctor_${name}{${labelled({ target, ...labels })}} ${value}`),
          '',
        ].join('\n'),
      )
      .join('')
  },
}

function familiesOf({ verdict, exitCode, results, facts, startedAt, ms }: Report): Family[] {
  const set = <Name extends string>(label: string, names: readonly Name[], held: Name, labels: Labels = {}) =>
    names.map((name): readonly [Labels, number] => [{ ...labels, [label]: name }, Number(name === held)])
  return [
    {
      name: 'last_run_timestamp_seconds',
      help: 'When the run began, in Unix time.',
      samples: [[{}, seconds(Date.parse(startedAt))]],
    },
    { name: 'run_duration_seconds', help: 'How long the run took.', samples: [[{}, seconds(ms)]] },
    { name: 'exit_code', help: 'The exit code of the run.', samples: [[{}, exitCode]] },
    { name: 'verdict', help: 'The verdict of the run.', samples: set('status', verdicts, verdict.status) },
    { name: 'database_state', help: 'What is known of the database.', samples: set('state', states, verdict.database) },
    {
      name: 'check_status',
      help: 'The status of each check.',
      samples: results.flatMap(({ id, layer, status }) => set('status', statuses, status, { check: id, layer })),
    },
    {
      name: 'check_duration_seconds',
      help: 'How long each check took.',
      samples: results.map(({ id, layer, ms: took }) => [{ check: id, layer }, seconds(took)]),
    },
    {
      name: 'findings',
      help: 'How many findings each check has, by severity.',
      samples: results.flatMap(({ id, layer, findings }) =>
        (['error', 'warning', 'info'] as const).map((severity): readonly [Labels, number] => [
          { check: id, layer, severity },
          findings.filter((finding) => finding.severity === severity).length,
        ]),
      ),
    },
    {
      name: 'measurement_seconds',
      help: 'What the checks measured.',
      samples: results.flatMap(({ id, measurements }) =>
        measurements.map(({ name, value }): readonly [Labels, number] => [{ check: id, name }, seconds(value)]),
      ),
    },
    {
      name: 'fact',
      help: 'Numbers that the checks noted.',
      samples: Object.entries(facts).map(([name, value]) => [{ name }, value]),
    },
  ]
}

function labelled(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${inert(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`)
    .join(',')
}

function seconds(ms: number): number {
  return Number((ms / 1000).toFixed(6))
}
