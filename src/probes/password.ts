import { createHash, pbkdf2, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

/** What came of holding a password against what is stored for it. */
export type PasswordAnswer =
  | { readonly outcome: 'matches' | 'differs'; readonly scheme: string; readonly sound: boolean }
  | { readonly outcome: 'plain-text' }
  /** Of no scheme that is known here, or one whose cost is more than a probe may spend. */
  | { readonly outcome: 'unknown'; readonly text: string }

/** What one verification may take: bytes of memory, and rounds. */
const affordable = { memory: 256 * 1024 * 1024, rounds: 10_000_000, bcryptCost: 16 }

const derive = {
  scrypt: promisify<string, Buffer, number, object, Buffer>(scrypt),
  pbkdf2: promisify<string, Buffer, number, number, string, Buffer>(pbkdf2),
}

type Verifier = (password: string, match: RegExpExecArray) => Promise<boolean>
type Scheme = readonly [name: string, form: RegExp, verify: Verifier, sound?: false]

/** The forms in which well-known libraries store hashes. */
const schemes: readonly Scheme[] = [
  ['bcrypt', /^(?:bcrypt\$)?(\$2[abxy]?\$(\d\d)\$[./A-Za-z0-9]{53})$/, bcrypt],
  ['argon2', /^(?:argon2)?(\$argon2(?:id?|d)\$.*m=(\d+).*)$/, argon2],
  // The demo's own form: cost, block size, parallelization, salt, hash.
  [
    'scrypt',
    /^scrypt\$(\d+)\$(\d+)\$(\d+)\$([\w-]+)\$([\w-]+)$/,
    (password, [, n, r, p, salt, hash]) => scrypted(password, n, r, p, base64(salt), base64(hash)),
  ],
  // Django
  [
    'scrypt',
    /^scrypt\$(\d+)\$([^$]+)\$(\d+)\$(\d+)\$([\w+/=]+)$/,
    (password, [, n, salt, r, p, hash]) => scrypted(password, n, r, p, Buffer.from(salt ?? ''), base64(hash)),
  ],
  // Werkzeug
  [
    'scrypt',
    /^scrypt:(\d+):(\d+):(\d+)\$([^$]+)\$([0-9a-f]+)$/,
    (password, [, n, r, p, salt, hash]) =>
      scrypted(password, n, r, p, Buffer.from(salt ?? ''), Buffer.from(hash ?? '', 'hex')),
  ],
  // passlib
  [
    'scrypt',
    /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([\w+/.]+)\$([\w+/.]+)$/,
    (password, [, ln, r, p, salt, hash]) =>
      scrypted(password, String(2 ** Number(ln)), r, p, base64(salt), base64(hash)),
  ],
  // Adonis
  [
    'scrypt',
    /^\$scrypt\$n=(\d+),r=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/,
    (password, [, n, r, p, salt, hash]) => scrypted(password, n, r, p, base64(salt), base64(hash)),
  ],
  // Better Auth
  [
    'scrypt',
    /^([0-9a-f]{32}):([0-9a-f]{128})$/,
    (password, [, salt, hash]) =>
      scrypted(password.normalize('NFKC'), '16384', '16', '1', Buffer.from(salt ?? ''), Buffer.from(hash ?? '', 'hex')),
  ],
  // Django
  [
    'PBKDF2',
    /^pbkdf2_(sha1|sha256|sha512)\$(\d+)\$([^$]+)\$([\w+/=]+)$/,
    (password, [, digest, rounds, salt, hash]) =>
      stretched(password, digest, rounds, Buffer.from(salt ?? ''), base64(hash)),
  ],
  // Werkzeug
  [
    'PBKDF2',
    /^pbkdf2:(sha1|sha256|sha512):(\d+)\$([^$]+)\$([0-9a-f]+)$/,
    (password, [, digest, rounds, salt, hash]) =>
      stretched(password, digest, rounds, Buffer.from(salt ?? ''), Buffer.from(hash ?? '', 'hex')),
  ],
  // passlib
  [
    'PBKDF2',
    /^\$pbkdf2-(sha1|sha256|sha512)\$(\d+)\$([\w./+]+)\$([\w./+]+)$/,
    (password, [, digest, rounds, salt, hash]) => stretched(password, digest, rounds, base64(salt), base64(hash)),
  ],
  ['unsalted MD5', /^[0-9a-f]{32}$/i, digested('md5'), false],
  ['unsalted SHA-1', /^[0-9a-f]{40}$/i, digested('sha1'), false],
  ['unsalted SHA-256', /^[0-9a-f]{64}$/i, digested('sha256'), false],
  ['unsalted SHA-512', /^[0-9a-f]{128}$/i, digested('sha512'), false],
]

/** Holds a password against a stored hash: bcrypt, argon2, scrypt and PBKDF2 as well-known libraries write them, and what is no hash at all. */
export async function verifyPassword(password: string, stored: string): Promise<PasswordAnswer> {
  if (stored === password) return { outcome: 'plain-text' }
  for (const [scheme, form, verify, sound = true] of schemes) {
    const match = form.exec(stored)
    if (!match) continue
    try {
      return { outcome: (await verify(password, match)) ? 'matches' : 'differs', scheme, sound }
    } catch (error) {
      const why = error instanceof Unaffordable ? 'costs more than a probe may spend' : 'cannot be read'
      return { outcome: 'unknown', text: `its hash is ${scheme}, which ${why}` }
    }
  }
  return { outcome: 'unknown', text: 'its hash is of no scheme that is known here' }
}

class Unaffordable extends Error {}

async function bcrypt(password: string, [, hash = '', cost]: RegExpExecArray): Promise<boolean> {
  if (Number(cost) > affordable.bcryptCost) throw new Unaffordable()
  const { bcryptVerify } = await import('hash-wasm')
  // Which bug an implementation once had is all that the letters say.
  return bcryptVerify({ password, hash: hash.replace(/^\$2[xy]?\$/, '$2a$') })
}

async function argon2(password: string, [, hash = '', kibibytes]: RegExpExecArray): Promise<boolean> {
  if (Number(kibibytes) * 1024 > affordable.memory) throw new Unaffordable()
  const { argon2Verify } = await import('hash-wasm')
  return argon2Verify({ password, hash })
}

type Part = string | undefined

async function scrypted(password: string, n: Part, r: Part, p: Part, salt: Buffer, hash: Buffer): Promise<boolean> {
  const [cost, blockSize, parallelization] = [Number(n), Number(r), Number(p)]
  const memory = 128 * cost * blockSize
  if (memory > affordable.memory || parallelization > 16) throw new Unaffordable()
  const options = { cost, blockSize, parallelization, maxmem: 2 * memory + 1024 * 1024 }
  return equal(await derive.scrypt(password, salt, hash.length, options), hash)
}

async function stretched(password: string, digest: Part, rounds: Part, salt: Buffer, hash: Buffer): Promise<boolean> {
  if (Number(rounds) > affordable.rounds) throw new Unaffordable()
  return equal(await derive.pbkdf2(password, salt, Number(rounds), hash.length, digest ?? ''), hash)
}

function digested(algorithm: string): Verifier {
  return async (password, [hash]) => createHash(algorithm).update(password).digest('hex') === hash?.toLowerCase()
}

function equal(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && one.length > 0 && timingSafeEqual(one, other)
}

/** Base64 in any of its alphabets; passlib writes a dot for the plus. */
function base64(text: Part): Buffer {
  return Buffer.from((text ?? '').replaceAll('.', '+'), 'base64')
}
