import type { ClientConfig } from 'pg'
import { parse } from 'pg-connection-string'
import type { Environment } from '../../config/reference.js'
import { DbdoctorError } from '../../contracts/errors.js'
import type { Asked } from '../dialect.js'

const form = 'write postgres://user@host:5432/database, with @ : / # ? in names and passwords percent-encoded'
const oneHost = 'write the host to examine, and give its standbys to --replica'
const modes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']

/**
 * The ways to try a connection string, in libpq's order for its `sslmode`: `prefer`, the default, tries TLS and then goes without.
 * Throws `ERR_TARGET_INVALID`; the message never holds the string, which may hold a password.
 */
export function settingsOf(connectionString: string, environment: Environment): ClientConfig[] {
  const refuse = (what: string, hint = form) =>
    new DbdoctorError('ERR_TARGET_INVALID', `the connection string ${what}`, hint)
  if (namesSeveralHosts(connectionString)) throw refuse('names several hosts, and dbdoctor examines one', oneHost)
  let url: URL
  try {
    url = parsed(connectionString)
  } catch {
    const port = /^[a-z]+:\/\/(?:[^/]*@)?[^/@]*:(\d+|[^:/@\]]*)(?:\/|\?|$)/i.exec(connectionString)?.[1]
    const badPort = port !== undefined && port !== '' && !(/^\d+$/.test(port) && Number(port) <= 65535)
    throw refuse(
      badPort && !connectionString.includes('#')
        ? 'has a port that is not a number from 0 to 65535'
        : 'cannot be parsed',
    )
  }
  if (url.hash) throw refuse('has an unescaped #')

  const mode = url.searchParams.get('sslmode') ?? environment.PGSSLMODE ?? 'prefer'
  if (!modes.includes(mode)) throw refuse(`has an unknown sslmode; libpq knows ${modes.join(', ')}`)
  const as = (sslmode: string) => {
    const wanted = new URL(url)
    wanted.searchParams.set('sslmode', sslmode)
    wanted.searchParams.set('uselibpqcompat', 'true')
    return read(wanted, refuse)
  }
  const first = as(mode === 'allow' ? 'disable' : mode)
  if (first.host?.startsWith('/')) return [{ ...first, ssl: false }]
  if (mode === 'prefer') return [first, as('disable')]
  if (mode === 'allow') return [first, as('prefer')]
  return [first]
}

/** libpq tries them one after another, each with a port of its own, which no URL has: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS. */
function namesSeveralHosts(connectionString: string): boolean {
  return /^[a-z]+:\/\/(?:[^/]*@)?[^/?@]*,[^/?@]*(?:[/?]|$)|[?&]host=[^&]*(?:,|%2c)/i.test(connectionString)
}

/** Where settings lead, gaps filled as pg fills them: https://www.postgresql.org/docs/current/libpq-envars.html. */
export function askedOf(
  { host, port, database, user, password, options }: ClientConfig,
  environment: Environment,
): Asked {
  const role = user ?? environment.PGUSER ?? environment.USER ?? environment.USERNAME ?? ''
  const gaps = [
    ['host', host, 'PGHOST'],
    ['port', port, 'PGPORT'],
    ['database', database, 'PGDATABASE'],
    ['role', user, 'PGUSER'],
    ['password', password, 'PGPASSWORD'],
    ['options', options, 'PGOPTIONS'],
  ] as const
  return {
    host: host ?? environment.PGHOST ?? 'localhost',
    port: port ?? Number(environment.PGPORT ?? 5432),
    database: database ?? environment.PGDATABASE ?? role,
    role,
    filled: gaps
      .filter(([, given, variable]) => given === undefined && environment[variable])
      .map(([what, , variable]) => `${what} from ${variable}`),
  }
}

/** The password of a connection string from which settings could be made, as it is sent and as it was typed, and the one that fills the gap. */
export function passwordsIn(
  connectionString: string,
  { password }: ClientConfig,
  environment: Environment,
): readonly string[] {
  return [password, parsed(connectionString).password, environment.PGPASSWORD].filter((one) => typeof one === 'string')
}

/** Reads a connection string as a URL. libpq takes a role without a host, which a parameter may name. Throws where it is none. */
function parsed(connectionString: string): URL {
  return new URL(connectionString.replace(/^(postgres(?:ql)?:\/\/[^/@]*@)(?=[/?]|$)/i, '$1localhost'))
}

function read(url: URL, refuse: (what: string) => DbdoctorError): ClientConfig {
  try {
    const { host, port, user, password, database, ssl, options, fallback_application_name, application_name } = parse(
      url.href,
    )
    return {
      ...(host && { host }),
      ...(port && { port: Number(port) }),
      ...(user && { user }),
      ...(password && { password }),
      ...(database && { database }),
      ...(options && { options }),
      ssl: (ssl ?? false) as Exclude<ClientConfig['ssl'], undefined>,
      application_name: application_name ?? fallback_application_name ?? 'dbdoctor',
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw refuse('names a certificate file that is not there')
    throw refuse('asks for sslmode=verify-ca without sslrootcert')
  }
}
