import { randomBytes } from 'node:crypto'
import type { Given } from '../config/given.js'
import { replaced } from '../values/pointer.js'
import type { Http, HttpAnswer } from './http.js'
import type { ProbeUser } from './sign-in.js'

/** An account that was asked for to be thrown away. */
export interface Throwaway {
  readonly address: string
  readonly answer: HttpAnswer
  /** Signs in as its owner and removes it; false where the API did not do so, or the config names no way. */
  remove(): Promise<boolean>
}

/** Asks the API for an account under an address that nobody has, with a password. It writes: only for who opted in. */
export async function throwaway(
  {
    http,
    user,
    given,
  }: { http: Http; user: ProbeUser; given: Pick<Given, 'register'> & Partial<Pick<Given, 'login'>> },
  password: string,
): Promise<Throwaway> {
  const { register, login } = given
  const fields = login?.fields ?? { user: '/email', password: '/password' }
  const address = `dbdoctor-probe-${randomBytes(6).toString('hex')}@example.com`
  const body = replaced(replaced(register.body, fields.user, address), fields.password, password)
  const answer = await http.request({ method: register.method, path: register.path, json: body })
  return {
    address,
    answer,
    async remove() {
      if (!register.remove) return false
      const token = await user.tokenOf(address, password, answer)
      if (!token) return false
      const removed = await http.request({ ...register.remove, credentials: user.credentials(token) })
      return removed.outcome === 'answered' && removed.status < 300
    },
  }
}

/** A password that any rule lets pass: long, of every kind of character, known to nobody. */
export function strongPassword(): string {
  return `Aa1!${randomBytes(12).toString('base64url')}`
}
