import { get } from '../values/pointer.js'

/** One operation of an OpenAPI document (2.0 or 3.x), as far as a first config needs it. */
export interface Operation {
  readonly method: string
  /** From the API server's URL on. */
  readonly path: string
  /** Whether it can be asked without any parameter. */
  readonly open: boolean
  /** The names of what its body holds, where the document says so. */
  readonly fields: readonly string[]
  /** Whether the body is a form, not JSON. */
  readonly form: boolean
}

type Plain = { readonly [key: string]: unknown }

/** What a document says that a server can be asked. Documents are written by anybody: what is not understood is left out. */
export function operationsOf(document: object, at: string, api: string): Operation[] {
  const prefix = prefixOf(document, at)
  const below = new URL(api).pathname.replace(/\/+$/, '')
  return Object.entries(plain(get(document, '/paths'))).flatMap(([template, item]) => {
    const whole = `${prefix}${template}`
    const path = below !== '' && whole.startsWith(`${below}/`) ? whole.slice(below.length) : whole
    if (!/^\/(?!\/)[^\s{}?#]*$/.test(path)) return []
    return Object.entries(plain(item)).flatMap(([method, operation]) => {
      if (!/^(get|post)$/.test(method)) return []
      return [{ method: method.toUpperCase(), path, ...bodyOf(document, plain(operation)) }]
    })
  })
}

/** What all paths begin with: the path of the first server, or `basePath`. Its host is another matter: we know whom we ask. */
function prefixOf(document: object, at: string): string {
  const named = get(document, '/servers/0/url') ?? get(document, '/basePath')
  if (typeof named !== 'string' || named.includes('{') || !URL.canParse(named, at)) return ''
  return new URL(named, at).pathname.replace(/\/+$/, '')
}

function bodyOf(document: object, operation: Plain): Pick<Operation, 'open' | 'fields' | 'form'> {
  const parameters = Array.isArray(operation.parameters)
    ? operation.parameters.map((one) => plain(followed(document, one)))
    : []
  const media = plain(plain(followed(document, operation.requestBody)).content)
  const json = Object.keys(media).find((type) => /json/.test(type))
  const form = Object.keys(media).find((type) => type === 'application/x-www-form-urlencoded')
  const chosen = json ?? form
  const inForm = parameters.filter((parameter) => parameter.in === 'formData')
  const schema =
    chosen === undefined ? parameters.find((parameter) => parameter.in === 'body')?.schema : plain(media[chosen]).schema
  const named = inForm.flatMap(({ name }) => (typeof name === 'string' ? [name] : []))
  return {
    open: !parameters.some(({ required }) => required === true),
    fields: named.length > 0 ? named : fieldsOf(document, schema),
    form: named.length > 0 || (json === undefined && form !== undefined),
  }
}

function fieldsOf(document: object, schema: unknown, depth = 3): string[] {
  const { properties, allOf, anyOf, oneOf } = plain(followed(document, schema))
  const parts = depth > 0 ? [allOf, anyOf, oneOf].flatMap((some) => (Array.isArray(some) ? some : [])) : []
  return [...Object.keys(plain(properties)), ...parts.flatMap((part) => fieldsOf(document, part, depth - 1))]
}

/** What a reference within the document stands for. */
function followed(document: object, value: unknown): unknown {
  const { $ref: reference } = plain(value)
  return typeof reference === 'string' && reference.startsWith('#/') ? get(document, reference.slice(1)) : value
}

function plain(value: unknown): Plain {
  return typeof value === 'object' && value !== null ? (value as Plain) : {}
}
