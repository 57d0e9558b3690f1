import {
  type Asked,
  defineCheck,
  milliseconds,
  misspelt,
  quoted,
  type Remark,
  type Repair,
  type Session,
  slipOf,
  sql,
  typed,
  type UnopenedOutcome,
} from 'dbdoctor'

interface Evidence {
  readonly place: string
  /** What finds, or makes, the database that was meant. */
  readonly remedies?: readonly string[] | undefined
  readonly code: string
  readonly text: string
}

/** Evidence of a server. */
type AtServer = Evidence & Partial<Omit<Asked, 'filled'>> & { readonly filled?: readonly string[] }

/** Outcomes that say nothing about the database: we could not, or were not allowed to, try. */
const unknowns = {
  unavailable: 'unavailable',
  unsafe: 'unsafe',
  deadline: 'deadline',
  interrupted: 'interrupted',
} as const

type Fault = Exclude<UnopenedOutcome, keyof typeof unknowns>

/** The place, and what led there unseen. */
const from = ({ place, filled = [] }: AtServer) => (filled.length > 0 ? `${place} (${filled.join(', ')})` : place)
const isHere = (host: string) => host.startsWith('/') || /^(localhost|127\.|::1$)/.test(host)

const reaches = ({ host = '', port = 0 }: AtServer) => `pg_isready -h ${typed(host)} -p ${port}`
const listening = ({ host = '', port = 0 }: AtServer) =>
  isHere(host) ? `ss -ltnp 'sport = :${port}'` : `nc -vz ${typed(host)} ${port}`
const psql = ({ host = '', port = 0, role = '' }: AtServer, database: string, command: string) =>
  `psql -h ${typed(host)} -p ${port} -U ${typed(role)} -d ${typed(database)} -c ${typed(command)}`
const serverLog = 'Read the end of the server log: it names the reason that the client is not told.'
const holders =
  'select usename, application_name, state, count(*) from pg_stat_activity group by 1, 2, 3 order by 4 desc'
const rescue = ({ place }: Evidence) => [
  'Stop whoever writes to the file, and copy it with its -journal and -wal before anything else opens it.',
  `sqlite3 ${typed(`${place}.copy`)} .recover | sqlite3 ${typed(`${place}.recovered`)}`,
  'Or restore the last backup.',
]

const recovering: Repair = { kind: 'file', action: 'recover' }
const starting: Repair = { kind: 'service', service: 'database-server' }

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
    'kept-exclusive': {
      severity: 'warning' as const,
      say: ({ text }: { text: string }) => text,
      next: () => ['Look whether the application means to be alone with its file; a private copy was examined here.'],
    },
    'writer-stopped': {
      severity: 'warning' as const,
      say: ({ text }: { text: string }) => text,
      next: () => [
        'Let the process go on (kill -CONT), or end it: its transaction is rolled back by the next one to write.',
      ],
    },
    'server-warning': {
      severity: 'warning' as const,
      say: ({ text }: { text: string }) => `the server warns: ${text}`,
      next: () => ['Put right what it names: everybody who connects is told, and so is the server log.'],
    },
    'read-only': {
      severity: 'warning' as const,
      say: ({ text }: { text: string }) =>
        `the database takes no writes: default_transaction_read_only is on in the settings ${text}`,
      next: () => [
        "select source, sourcefile, sourceline from pg_settings where name = 'default_transaction_read_only'",
        'Find out who has switched it on, and why: providers do so where the disk is nearly full. Then switch it off there; an application has to connect anew.',
      ],
    },
    'role-read-only': {
      severity: 'info' as const,
      say: ({ text }: { text: string }) => `new transactions are read-only by the settings ${text}`,
    },
    'search-path': {
      severity: 'info' as const,
      say: ({ text }: { text: string }) =>
        `search_path names ${text}, and there is no such schema: tables are found elsewhere, or by their full name alone`,
    },
    'replica-used': { severity: 'info' as const, say: ({ text }: { text: string }) => text },
    'replica-unused': {
      severity: 'warning' as const,
      say: ({ text }: { text: string }) => text,
      next: () => ['Correct --replica, or let the standby catch up; until then rows are read on the primary.'],
    },
    missing: {
      say: ({ place, text }: Evidence) => `there is no file at ${place}${text === 'no such file' ? '' : `: ${text}`}`,
      next: ({ place, remedies = [] }: Evidence) => [
        ...remedies,
        `ls -l ${typed(folderOf(place))}`,
        'Correct the path, or restore the file; a relative path starts from the working directory.',
      ],
    },
    'not-a-file': {
      say: ({ place, text }: Evidence) => `${place} is not a file: ${text}`,
      next: ({ place }: Evidence) => [`ls -ld ${typed(place)}`, 'Name the database file itself.'],
    },
    empty: {
      say: ({ place }: Evidence) => `${place} is empty: it holds no database, not even one without tables`,
      next: ({ place, remedies = [] }: Evidence) => [
        ...remedies,
        `ls -l ${typed(folderOf(place))}`,
        'Look whether the application opened another path and made this file, or whether it was cut to nothing: then restore it.',
      ],
    },
    encrypted: {
      say: ({ place }: Evidence) => `${place} looks encrypted: it holds whole pages of what looks like noise`,
      next: () => ['Decrypt a copy with the tool that encrypted it (SQLCipher, SEE), and examine the copy.'],
    },
    'not-a-database': {
      say: ({ place, text }: Evidence) => `${place} is not a SQLite database: ${text}`,
      next: ({ place, remedies = [] }: Evidence) => [
        ...(remedies.length > 0 ? remedies : [`file ${typed(place)}`]),
        'Correct the path, or restore the file.',
      ],
    },
    truncated: {
      say: ({ place, text }: Evidence) => `${place} was cut short: ${text}`,
      next: rescue,
      repair: () => [recovering],
    },
    damaged: {
      say: ({ place, text }: Evidence) => `${place} is damaged: ${text}`,
      next: rescue,
      repair: () => [recovering],
    },
    locked: {
      say: ({ place, text }: Evidence) => `another process holds a lock on ${place}: ${text}`,
      next: ({ place }: Evidence) => [
        `lsof ${typed(place)}`,
        'Wait for that process, or end it properly; never delete the journal of a database.',
      ],
    },
    unreadable: {
      say: ({ place, text }: Evidence) => `${place} cannot be read: ${text}`,
      next: ({ place }: Evidence) => [`namei -l ${typed(place)}`, 'Run dbdoctor as a user who may read it.'],
    },

    refused: {
      say: (evidence: AtServer) => `nothing listens at ${from(evidence)}`,
      next: (evidence: AtServer) => [
        reaches(evidence),
        listening(evidence),
        'Start the server, or correct the host and the port.',
      ],
      repair: () => [starting],
    },
    'no-socket': {
      say: (evidence: AtServer) => `there is no PostgreSQL socket at ${from(evidence)}`,
      next: ({ host = '' }: AtServer) => [
        `ls -la ${typed(host)}`,
        'Start the server, look at its unix_socket_directories and port, or name a host to use TCP.',
      ],
      repair: () => [starting],
    },
    'stale-socket': {
      say: (evidence: AtServer) =>
        `nothing listens at ${from(evidence)}, but the socket file is there: the server ended without cleaning up`,
      next: (evidence: AtServer) => [reaches(evidence), serverLog, 'Start the server.'],
      repair: () => [starting],
    },
    'socket-denied': {
      say: (evidence: AtServer) => `the socket ${from(evidence)} may not be used: ${evidence.text}`,
      next: ({ host = '' }: AtServer) => [`ls -la ${typed(host)}`, 'Look at unix_socket_permissions, or use TCP.'],
    },
    unresolved: {
      say: (evidence: AtServer) => `the host name of ${from(evidence)} does not resolve`,
      next: ({ host = '', port = 0 }: AtServer) => [
        `getent hosts ${typed(host)}`,
        // A name without a dot is often one that only a network of containers knows.
        host.includes('.')
          ? 'Correct the name, or the resolver.'
          : `${host} is often a container's name, known inside its network alone: from outside, use localhost and the port that it publishes (docker compose port ${host} ${port}).`,
      ],
    },
    unreachable: {
      say: (evidence: AtServer) => `no connection to ${from(evidence)}: nothing answers there`,
      next: (evidence: AtServer) => [
        listening(evidence),
        'Look at the route, the firewall and whether the machine is up.',
      ],
    },
    silent: {
      say: (evidence: AtServer) => `${from(evidence)} accepts connections and says nothing`,
      next: (evidence: AtServer) => [
        reaches(evidence),
        listening(evidence),
        'Look at whether the server hangs (stopped, out of memory, waiting for its disk), or another service is on that port.',
      ],
    },
    closed: {
      say: (evidence: AtServer) => `${from(evidence)} closed the connection before the database answered`,
      next: (evidence: AtServer) => [
        listening(evidence),
        'Look at what is there: another service, a proxy whose server is away, or a server that fails; its log tells.',
      ],
    },
    reset: {
      say: (evidence: AtServer) => `${from(evidence)} reset the connection before the database answered`,
      next: (evidence: AtServer) => [listening(evidence), 'Look at the firewall, the proxy, and the server log.'],
    },
    'wrong-service': {
      say: ({ text, ...evidence }: AtServer) =>
        `what listens at ${from({ text, ...evidence })} is not PostgreSQL${/^(an?|MySQL|Redis) /.test(`${text} `) ? ` but ${text}` : ''}`,
      next: (evidence: AtServer) => [listening(evidence), 'Correct the port.'],
    },
    'no-tls': {
      say: (evidence: AtServer) => `${from(evidence)} offers no TLS, and sslmode asks for it`,
      next: (evidence: AtServer) => [
        psql(evidence, evidence.database ?? '', 'show ssl'),
        'Switch ssl on in the server, or use sslmode=prefer where the network can be trusted.',
      ],
    },
    tls: {
      say: (evidence: AtServer) => `no secure connection to ${from(evidence)}: ${evidence.text}`,
      next: ({ host = '', port = 0 }: AtServer) => [
        `openssl s_client -starttls postgres -connect ${typed(`${host}:${port}`)}`,
        'Renew the certificate, name its authority by sslrootcert, or correct the host name.',
      ],
    },

    'password-rejected': {
      say: (evidence: AtServer) =>
        `${from(evidence)} refused the login: ${evidence.text}; a wrong password, an unknown role and an expired one look the same from outside`,
      next: (evidence: AtServer) => [
        `Correct the password of role "${evidence.role}" in the connection string, PGPASSWORD or the password file.`,
        serverLog,
        psql({ ...evidence, role: 'postgres' }, 'postgres', `\\password ${evidence.role}`),
      ],
    },
    'no-password': {
      say: (evidence: AtServer) => `${from(evidence)} asks for a password, and none was given`,
      next: () => ['Set PGPASSWORD, or write a line into the password file (~/.pgpass).'],
    },
    'not-mapped': {
      say: (evidence: AtServer) => `${from(evidence)} refused the login: ${evidence.text}`,
      next: ({ role }: AtServer) => [
        'id -un',
        `Connect as the operating system's user "${role}", by TCP with a password, or map the user in pg_ident.conf.`,
      ],
    },
    'not-admitted': {
      say: (evidence: AtServer) => `${from(evidence)} does not admit this client: ${evidence.text}`,
      next: ({ text }: AtServer) => [
        ...(/no encryption/.test(text)
          ? ['Try sslmode=require: the server may admit encrypted connections alone.']
          : []),
        "psql -c 'select * from pg_hba_file_rules' on the server shows the rules; add one, then select pg_reload_conf().",
      ],
    },
    'no-login': {
      say: (evidence: AtServer) => `${from(evidence)} refused the login: ${evidence.text}`,
      next: ({ role }: AtServer) => [`alter role "${role}" login`, 'Or connect as a role that may log in.'],
    },
    'no-such-role': {
      say: (evidence: AtServer) => `${from(evidence)} refused the login: ${evidence.text}`,
      next: (evidence: AtServer) => [
        psql({ ...evidence, role: 'postgres' }, 'postgres', '\\du'),
        'Correct the name of the role, or create it.',
      ],
    },
    denied: {
      say: (evidence: AtServer) => `${from(evidence)} refused the login: ${evidence.text}`,
      next: ({ role, database }: AtServer) => [`grant connect on database "${database}" to "${role}"`, serverLog],
    },
    'no-such-database': {
      say: ({ text, place }: AtServer) => `the server at ${place} is up, but ${text}`,
      next: (evidence: AtServer) => [
        psql(evidence, 'postgres', '\\l'),
        `Correct the name of the database, or create "${evidence.database}" and restore it.`,
      ],
    },
    'database-closed': {
      say: ({ text, place }: AtServer) => `the server at ${place} is up, but ${text}`,
      next: (evidence: AtServer) => [
        `alter database "${evidence.database}" allow_connections true`,
        'Find out first who closed it: a migration or a rename may be under way.',
      ],
    },
    'bad-setting': {
      say: (evidence: AtServer) => `${from(evidence)} does not take a setting of the connection: ${evidence.text}`,
      next: () => ['Correct the options of the connection string, or PGOPTIONS.'],
    },
    'statement-timeout': {
      say: (evidence: AtServer) =>
        `${from(evidence)} ends the first query at once: statement_timeout of the role or the database is too short`,
      next: (evidence: AtServer) => [
        psql({ ...evidence, role: 'postgres' }, evidence.database ?? '', 'select * from pg_db_role_setting'),
        `alter role ${evidence.role} reset statement_timeout, or a longer one.`,
      ],
    },

    'too-many-connections': {
      say: ({ place, text }: AtServer) => `the server at ${place} is up, and full: ${text}`,
      next: (evidence: AtServer) => [
        psql({ ...evidence, role: 'postgres' }, 'postgres', holders),
        'End what is idle for long, and put a pool between the application and the server before max_connections is raised.',
      ],
    },
    'role-limit': {
      say: ({ place, role = '', text }: AtServer) =>
        `the role ${role} may open no more connections to ${place}: its own limit is reached, and the server is not full (${text})`,
      next: (evidence: AtServer) => [
        psql(
          { ...evidence, role: 'postgres' },
          'postgres',
          'select rolname, rolconnlimit from pg_roles where rolconnlimit >= 0',
        ),
        `alter role ${evidence.role} connection limit -1, or a higher one; or end what it holds: ${holders}`,
      ],
    },
    'database-limit': {
      say: ({ place, database = '', text }: AtServer) =>
        `the database ${database} at ${place} takes no more connections: its own limit is reached, and the server is not full (${text})`,
      next: (evidence: AtServer) => [
        psql(
          { ...evidence, role: 'postgres' },
          'postgres',
          'select datname, datconnlimit from pg_database where datconnlimit >= 0',
        ),
        `alter database ${evidence.database} connection limit -1, or a higher one.`,
      ],
    },
    starting: {
      say: ({ place, text }: AtServer) => `the server at ${place} does not accept connections yet: ${text}`,
      next: (evidence: AtServer) => [
        `${reaches(evidence)} -t 60`,
        'Run dbdoctor check --wait 60s; where it takes long, the server log says what it replays.',
      ],
    },
    recovering: {
      say: ({ place, text }: AtServer) =>
        `the server at ${place} lost one of its processes and recovers from it: ${text}`,
      next: () => [
        'Read the server log from "was terminated by signal" on; look at dmesg for the out-of-memory killer.',
        'Run dbdoctor check --wait 60s.',
      ],
    },
    'not-consistent': {
      say: ({ place, text }: AtServer) =>
        `the server at ${place} replays its log and does not accept connections: ${text}`,
      next: () => [
        'Let it reach a consistent state: the server log says how far it is.',
        'Where hot_standby is off, ask the primary instead.',
      ],
    },
    'shutting-down': {
      say: ({ place, text }: AtServer) => `the server at ${place} is being stopped: ${text}`,
      next: () => ['Find out who stops it; if nobody should, start it again when it has ended.'],
    },
    'disk-full': {
      say: ({ place, text }: AtServer) => `the server at ${place} has no room left on its disk: ${text}`,
      next: () => [
        'df -h, on the server: data directory, pg_wal, and temporary files.',
        'Make room without touching pg_wal: old logs first, then an abandoned replication slot.',
      ],
    },
    'out-of-memory': {
      say: ({ place, text }: AtServer) => `the server at ${place} is out of memory: ${text}`,
      next: () => ['Look at the memory of the server, at work_mem and the number of connections.'],
    },
    'pooler-full': {
      say: ({ place, text }: AtServer) => `the pooler at ${place} is up, and full: ${text}`,
      next: () => ['In the console of the pooler: show clients; and look at max_client_conn.'],
    },
    'pool-full': {
      say: ({ place, text }: AtServer) =>
        `the pooler at ${place} is up, and its pool is full: no connection to the server came free in time (${text})`,
      next: () => [
        'In the console of the pooler: show pools; who waits, and for whom.',
        'End what holds its transaction open, or raise default_pool_size.',
      ],
    },
    'unknown-to-pooler': {
      say: ({ place, role = '' }: AtServer) =>
        `the pooler at ${place} does not know this project or role (${role}): tenant or user not found`,
      next: () => [
        'Take the connection string from the dashboard again: the role is written ROLE.PROJECT, and the region is part of the host.',
      ],
    },
    'behind-pooler': {
      say: ({ place, text }: AtServer) => `the pooler at ${place} answers, and the server behind it does not: ${text}`,
      next: () => ['In the console of the pooler: show servers; then examine the server itself by its own address.'],
    },
    mute: {
      say: (evidence: AtServer) => `${from(evidence)} does not work: ${evidence.text}`,
      next: (evidence: AtServer) => [
        reaches(evidence),
        'Where a pooler is there, look at the server behind it; else at whether the server hangs.',
      ],
    },
    other: {
      say: ({ place, code, text }: Evidence) => `${place} could not be opened: ${text}${code && ` (${code})`}`,
      next: () => [serverLog],
    },
  } satisfies Record<Fault | Remark['kind'], unknown>,
  async run(context) {
    const { connect, config, report, skip, measure, saw } = context
    const opening = await connect()
    if (opening.outcome === 'opened') {
      measure({ name: 'open', value: opening.ms, unit: 'ms', n: 1 })
      for (const { kind, text } of opening.remarks ?? []) report(kind, { text })
      if (config.schemas) refuseSlips(config.schemas, await schemasIn(context.db))
      const { primary, filled = [], understood } = opening.database.target
      const role = primary === undefined ? [] : [primary ? 'primary' : 'standby']
      const { waited = [], waitedFor } = opening
      const late =
        waitedFor === undefined
          ? []
          : [`waited ${milliseconds(waitedFor)} for it (${waited[0]?.outcome.replaceAll('-', ' ')})`]
      const seen = [...role, ...filled, ...(understood ? [understood] : []), ...late]
      if (seen.length > 0) saw(seen.join(', '))
      return
    }
    const { outcome, place, code, text, asked, remedies } = opening
    if (outcome in unknowns) return skip(unknowns[outcome as keyof typeof unknowns], text)
    report(outcome as Fault, { place, code, text, ...(remedies && { remedies }), ...asked })
  },
})

/** A schema that the config misspells would hide all that is in the one that it means. */
function refuseSlips(named: readonly string[], known: readonly string[]): void {
  for (const schema of named) {
    const meant = known.includes(schema) ? null : slipOf(schema, known, named)
    if (meant !== null) throw misspelt('database.schemas', `schema ${quoted(schema)}`, quoted(meant))
  }
}

/** None where they can't be read: that is for others to tell. */
async function schemasIn({ read }: Session): Promise<readonly string[]> {
  const answer = await read(async (kysely) => {
    const { rows } = await sql<{ name: string }>`select nspname as name from pg_namespace`.execute(kysely)
    return rows.map(({ name }) => name)
  })
  return answer.outcome === 'answered' ? answer.value : []
}

function folderOf(path: string): string {
  return path.replace(/[^/\\]*$/, '') || '.'
}
