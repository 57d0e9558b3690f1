import {
  defineCheck,
  identifier,
  literal,
  pluralize,
  quoted,
  type Repair,
  remarked,
  rowsOfEach,
  type Session,
  sql,
} from 'dbdoctor'

type Kind =
  | 'key-not-validated'
  | 'key-not-enforced'
  | 'key-disabled'
  | 'check-not-validated'
  | 'check-not-enforced'
  | 'domain-not-validated'
  | 'trigger-disabled'

interface Constraint {
  readonly schema: string
  readonly table: string
  readonly constraint: string
  /** Null for a trigger. */
  readonly definition: string | null
}

interface Disabled extends Constraint {
  /** The tables whose triggers do not fire: the one with the key, the one that it references, or both. */
  readonly off: readonly (readonly [schema: string, table: string])[]
}

interface Lapse extends Constraint {
  readonly kind: Kind
  /** Null but for a key whose triggers are off. */
  readonly off: Disabled['off'] | null
}

const table = ({ schema, table: name }: Constraint) => identifier(schema, name)
const place = ({ schema, table: name }: Pick<Constraint, 'schema' | 'table'>) =>
  quoted(schema === 'public' ? name : `${schema}.${name}`)
const validate = (one: Constraint) => [
  remarked(
    `alter table ${table(one)} validate constraint ${identifier(one.constraint)}`,
    'reads the table, and lets others read and write',
  ),
]

const validation = (one: Constraint): Repair[] => [
  {
    kind: 'statements',
    class: 'safe',
    what: `validate constraint ${quoted(one.constraint)} of ${place(one)}`,
    statements: [`alter table ${table(one)} validate constraint ${identifier(one.constraint)}`],
    lock: `SHARE UPDATE EXCLUSIVE on ${place(one)}`,
    validates: true,
  },
]
const enabling = ({ off }: Disabled): Repair[] =>
  off.map(([schema, name]) => ({
    kind: 'statements',
    class: 'safe',
    what: `enable the triggers of ${place({ schema, table: name })}`,
    statements: [`alter table ${identifier(schema, name)} enable trigger all`],
    lock: `SHARE ROW EXCLUSIVE on ${place({ schema, table: name })}`,
    undo: `select format('alter table %s disable trigger %I', tgrelid::regclass, tgname) from pg_trigger
      where tgrelid = ${literal(identifier(schema, name))}::regclass and tgenabled = 'D'`,
  }))
const enabled = (one: Constraint): Repair[] => [
  {
    kind: 'statements',
    class: 'safe',
    what: `enable trigger ${quoted(one.constraint)} of ${place(one)}`,
    statements: [`alter table ${table(one)} enable trigger ${identifier(one.constraint)}`],
    lock: `SHARE ROW EXCLUSIVE on ${place(one)}`,
    undo: `select ${literal(`alter table ${table(one)} disable trigger ${identifier(one.constraint)}`)}`,
  },
]

export default defineCheck({
  id: 'integrity/enforcement',
  title: 'What is declared is enforced',
  severity: 'warning',
  after: ['connection/opens'],
  docs: {
    why: 'A key that is declared and not enforced lets orphaned rows in, and everybody who reads the schema believes that there can be none.',
    fix: 'Mend the rows first, then validate the constraint or enable its triggers. With SQLite the application itself has to say PRAGMA foreign_keys = ON, on each connection.',
  },
  messages: {
    'key-not-validated': {
      say: (one: Constraint) =>
        `foreign key ${quoted(one.constraint)} of ${place(one)} is NOT VALID: rows from before it were never compared`,
      next: validate,
      repair: validation,
    },
    'key-not-enforced': {
      say: (one: Constraint) => `foreign key ${quoted(one.constraint)} of ${place(one)} is declared NOT ENFORCED`,
      next: (one: Constraint) => [`alter table ${table(one)} alter constraint ${identifier(one.constraint)} enforced`],
    },
    'key-disabled': {
      say: (one: Disabled) => {
        const key = `foreign key ${quoted(one.constraint)} of ${place(one)}`
        if (one.off.some(([schema, name]) => schema === one.schema && name === one.table))
          return `the triggers that enforce ${key} are disabled: any row is let in`
        const parents = one.off.map(([schema, name]) => place({ schema, table: name })).join(', ')
        return `the triggers of ${parents} that enforce ${key} are disabled: rows may go that others point at`
      },
      next: ({ off }: Disabled) =>
        off.map((names) =>
          remarked(
            `alter table ${identifier(...names)} enable trigger all`,
            'waits for whoever writes to the table, and compares no row that is there',
          ),
        ),
      repair: enabling,
    },
    'check-not-validated': {
      say: (one: Constraint) =>
        `constraint ${quoted(one.constraint)} of ${place(one)} is NOT VALID: rows from before it were never checked`,
      next: validate,
      repair: validation,
    },
    'domain-not-validated': {
      say: (one: Constraint) =>
        `constraint ${quoted(one.constraint)} of domain ${place(one)} is NOT VALID: values from before it were never checked`,
      next: (one: Constraint) => [
        remarked(
          `alter domain ${table(one)} validate constraint ${identifier(one.constraint)}`,
          'reads each table with a column of the domain',
        ),
      ],
    },
    'check-not-enforced': {
      say: (one: Constraint) => `constraint ${quoted(one.constraint)} of ${place(one)} is declared NOT ENFORCED`,
      next: (one: Constraint) => [
        `alter table ${table(one)} drop constraint ${identifier(one.constraint)}, add constraint ${identifier(one.constraint)} ${one.definition?.replace(/ NOT ENFORCED$/, '')}`,
      ],
    },
    'trigger-disabled': {
      say: (one: Constraint) => `trigger ${quoted(one.constraint)} of ${place(one)} is disabled`,
      next: (one: Constraint) => [`alter table ${table(one)} enable trigger ${identifier(one.constraint)}`],
      repair: enabled,
    },
    'replica-role': {
      say: ({ of }: { of: string; reset: string }) =>
        `session_replication_role is replica for ${of}: no foreign key and no trigger fires`,
      next: ({ reset }: { reset: string }) => [reset],
    },
    'left-to-application': {
      severity: 'info',
      say: ({ keys }: { keys: number }) =>
        `${pluralize(keys, 'foreign key')} declared: SQLite enforces them only where the application says PRAGMA foreign_keys = ON`,
    },
  },
  run: {
    async sqlite({ db, report, skip }) {
      const catalog = await db.catalog()
      if (catalog.outcome === 'failed') return skip(catalog.reason ?? 'unavailable', catalog.text)
      const keys = catalog.value.foreignKeys.length
      if (keys > 0) report('left-to-application', { keys })
    },

    async postgres({ db, config, report, skip }) {
      const answer = await lapsesIn(db)
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      const { lapses, roles } = answer.value
      for (const { kind, off, ...one } of lapses) {
        if (config.schemas && !config.schemas.includes(one.schema)) continue
        if (kind === 'key-disabled') report(kind, { ...one, off: off ?? [] })
        else report(kind, one)
      }
      for (const { database, role } of roles) {
        const of = [role && `role ${quoted(role)}`, database && `database ${quoted(database)}`]
          .filter(Boolean)
          .join(' in ')
        const reset = role
          ? `alter role ${identifier(role)}${database ? ` in database ${identifier(database)}` : ''} reset session_replication_role`
          : `alter database ${identifier(database ?? '')} reset session_replication_role`
        report('replica-role', {
          of: of || 'the server',
          reset: of ? reset : 'alter system reset session_replication_role',
        })
      }
    },
  },
})

const notOurs = sql`n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'`

/** The tables of a key's triggers that do not fire. */
const off = sql`(select json_agg(distinct json_build_array(rn.nspname, rc.relname)::jsonb) from pg_trigger t
  join pg_class rc on rc.oid = t.tgrelid join pg_namespace rn on rn.oid = rc.relnamespace
  where t.tgconstraint = k.oid and t.tgisinternal and t.tgenabled in ('D', 'R'))`

const triggersOff = sql`k.oid in (select key from disabled)`

/**
 * A partitioned table stands for its partitions, but for keys whose triggers are off in a partition alone (before PostgreSQL 15 the
 * triggers are nowhere else). Triggers that somebody made to fire on replicas alone are meant so.
 */
function lapsesIn({ read }: Session) {
  return read(async (kysely) => {
    const [lapses, roles] = await rowsOfEach(
      kysely,
      sql<Lapse>`
        with disabled as materialized (
          select distinct tgconstraint as key from pg_trigger where tgisinternal and tgenabled in ('D', 'R'))
        select case
            when (to_jsonb(k) ->> 'conenforced')::boolean is false then case k.contype when 'f' then 'key-not-enforced' else 'check-not-enforced' end
            when k.contype = 'f' and ${triggersOff} then 'key-disabled'
            when k.contype = 'f' then 'key-not-validated' else 'check-not-validated' end as kind,
          n.nspname as schema, c.relname as table, k.conname as constraint, pg_get_constraintdef(k.oid) as definition,
          case when k.contype = 'f' then ${off} end as off
        from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
        where k.contype in ('f', 'c', 'n') and k.conparentid = 0 and not c.relispartition and ${notOurs}
          and (not k.convalidated or k.contype = 'f' and ${triggersOff})
        union all
        select 'key-disabled', n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid), ${off}
        from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
        where k.contype = 'f' and k.conparentid <> 0 and c.relispartition and ${notOurs}
          and exists (select from pg_trigger t where t.tgconstraint = k.oid and t.tgrelid = k.conrelid and t.tgenabled in ('D', 'R'))
          and not exists (select from pg_trigger t join pg_constraint p on p.oid = t.tgconstraint
            where p.oid = k.conparentid and t.tgrelid = p.conrelid and t.tgenabled in ('D', 'R'))
        union all
        select 'domain-not-validated', n.nspname, t.typname, k.conname, pg_get_constraintdef(k.oid), null
        from pg_constraint k join pg_type t on t.oid = k.contypid join pg_namespace n on n.oid = t.typnamespace
        where k.contype = 'c' and not k.convalidated and ${notOurs}
        union all
        select 'trigger-disabled', n.nspname, c.relname, t.tgname, null, null
        from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
        where not t.tgisinternal and t.tgenabled = 'D' and not c.relispartition and ${notOurs}
          and not exists (select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
        order by 2, 3, 4, 1`,
      sql<{ database: string | null; role: string | null }>`
        select d.datname as database, r.rolname as role
        from pg_db_role_setting s left join pg_database d on d.oid = s.setdatabase left join pg_roles r on r.oid = s.setrole
        where (s.setdatabase = 0 or d.datname = current_database()) and 'session_replication_role=replica' = any(s.setconfig)
        union all
        select null, null from pg_settings
        where name = 'session_replication_role' and reset_val = 'replica' and source in ('configuration file', 'command line')
        order by 1, 2`,
    )
    return { lapses, roles }
  })
}
