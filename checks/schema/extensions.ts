import { type Answer, ahead, defineCheck, type Failure, groupBy, quoted, type Session, sql } from 'dbdoctor'

interface Evidence {
  readonly schema: string
  readonly extension: string
  readonly version: string
}

export default defineCheck({
  id: 'schema/extensions',
  title: 'Every installed extension is on this server',
  severity: 'error',
  after: ['connection/opens'],
  docs: {
    why: 'An extension is half in the database and half on the server. On another server, or from another image, the database is whole, and each function, type and index of the extension fails with "could not access file".',
    fix: 'Install the package of the extension on this server, in the version that the database names; or start the image that had it.',
  },
  messages: {
    'library-gone': {
      say: ({ extension, version, text }: Evidence & { text: string }) =>
        `extension ${quoted(extension)} ${version} is installed in the database, and its library cannot be loaded on this server: ${text}`,
      next: ({ extension, version }: Evidence) => [
        `Install the package that brings ${quoted(extension)} ${version} on the server, or start the image that had it; the database needs no change.`,
        'Until then leave its types and indexes alone: what is dropped with the extension is data.',
      ],
    },
    'files-gone': {
      severity: 'info',
      say: ({ extension, version }: Evidence) =>
        `extension ${quoted(extension)} ${version} is installed in the database, and this server does not offer it: a dump of it cannot be restored here`,
    },
  },
  run: {
    async postgres({ db, depth, report, coverage, skip }) {
      const answer = await extensionsOf(db)
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      const seen = coverage('extension', answer.value.size)
      // To load a library is to run it. Without need that is left to whoever asks for everything.
      const isTried = ({ offered }: Part) => !offered || depth === 'deep'
      const looks = ahead(answer.value, async ([, parts]) => {
        const answers = await Promise.all(parts.filter(isTried).map((part) => load(db, part)))
        return answers.find((one): one is Failure => one?.outcome === 'failed') ?? null
      })
      for await (const [[, [first]], failure] of looks) {
        if (!first) continue
        const { schema, extension, version, offered } = first
        const evidence = { schema, extension, version }
        if (failure && !isUnloadable(failure)) {
          seen.missing(extension, failure.reason ?? 'unavailable', failure.text, true)
          continue
        }
        seen.examined()
        if (failure) report('library-gone', { ...evidence, text: failure.text })
        else if (!offered) report('files-gone', evidence)
      }
    },
  },
})

/** An extension, and one of its libraries, with a function of it that a query can name. */
interface Part extends Evidence {
  /** Whether the server has the files that CREATE EXTENSION reads. */
  readonly offered: boolean
  readonly function: { readonly schema: string; readonly name: string; readonly arguments: readonly string[] } | null
}

/**
 * The extensions of the database, and of each of their libraries one function that this role may call: with arguments, for one without is called
 * where it is planned. https://www.postgresql.org/docs/current/catalog-pg-extension.html
 */
async function extensionsOf({ read }: Session): Promise<Answer<ReadonlyMap<string, readonly Part[]>>> {
  const answer = await read(async (kysely) => {
    const { rows } = await sql<Part>`
      with libraries as (
        select distinct on (d.refobjid, p.probin) d.refobjid as extension, p.oid, p.pronamespace, p.proname, p.proargtypes
        from pg_depend d join pg_proc p on p.oid = d.objid join pg_language l on l.oid = p.prolang
        where d.refclassid = 'pg_extension'::regclass and d.classid = 'pg_proc'::regclass and d.deptype = 'e'
          and l.lanname = 'c' and p.prokind = 'f' and p.pronargs > 0 and p.provariadic = 0
          and has_function_privilege(p.oid, 'execute') and has_schema_privilege(p.pronamespace, 'usage')
          and not exists (select from pg_type t where t.oid = any (p.proargtypes::oid[] || p.prorettype) and t.typtype = 'p')
        order by d.refobjid, p.probin, p.oid
      )
      select n.nspname as schema, e.extname as extension, e.extversion as version,
        e.extname in (select a.name from pg_available_extensions() a) as offered,
        case when l.oid is not null then json_build_object('schema', (select nspname from pg_namespace where oid = l.pronamespace), 'name', l.proname, 'arguments',
          (select json_agg(format_type(type, null) order by at) from unnest(l.proargtypes) with ordinality as a (type, at))) end as function
      from pg_extension e join pg_namespace n on n.oid = e.extnamespace left join libraries l on l.extension = e.oid
      order by e.extname`.execute(kysely)
    return rows
  })
  if (answer.outcome === 'failed') return answer
  return { outcome: 'answered', value: groupBy(answer.value, ({ extension }) => extension) }
}

/** Has a library loaded, by a function that is explained and never called. Null where there is none to ask by. */
async function load({ read }: Session, { function: one }: Part): Promise<Answer<unknown> | null> {
  if (!one) return null
  const names = one.arguments.map((_, at) => `a${at}`)
  const nulls = one.arguments.map((type, at) => sql`null::${sql.raw(type)} as ${sql.id(names[at] ?? '')}`)
  return read((kysely) =>
    sql`explain (costs off) select ${sql.id(one.schema, one.name)}(${sql.join(names.map((name) => sql.id('x', name)))})
      from (select ${sql.join(nulls)} offset 0) x`.execute(kysely),
  )
}

/** Why a library cannot be loaded: it is not there, is of another version, or has to be preloaded. */
function isUnloadable({ code }: Failure): boolean {
  return /^(58...|XX...|55000)$/.test(code)
}
