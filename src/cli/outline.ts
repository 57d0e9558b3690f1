import type { Message } from '../contracts/check.js'

/** The sentence of a finding before anything is found, what varies between guillemets: `"‹table›": 2 rows …`. Null where it needs more than names. */
export function outlineOf(message: Message): string | null {
  const say = typeof message === 'function' ? message : message.say
  const evidence = new Proxy({}, { get: (_, name) => standInFor(String(name)), has: () => true })
  try {
    const sentence = say(evidence as never)
    return /undefined|NaN|\[object/.test(sentence) ? null : sentence
  } catch {
    return null
  }
}

/** Stands for a value of any kind: a text, a list of two, or a number. */
function standInFor(name: string): unknown {
  const text = `‹${name}›`
  const members: Record<PropertyKey, unknown> = {
    [Symbol.toPrimitive]: (hint: string) => (hint === 'number' ? 2 : text),
    [Symbol.iterator]: () => [text][Symbol.iterator](),
    length: 2,
    join: () => text,
    toFixed: () => text,
    map: () => [text],
    filter: () => [text],
    slice: () => [text],
    at: () => text,
    0: text,
  }
  return new Proxy(() => text, {
    get: (_, key) => {
      if (key in members) return members[key]
      const method: unknown = Reflect.get(Object(text), key)
      return typeof method === 'function' ? method.bind(text) : undefined
    },
  })
}
