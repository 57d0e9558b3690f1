import { readFileSync } from 'node:fs'
import { resolve as resolvePath } from 'node:path'
import { DbdoctorError } from '../contracts/errors.js'

const template = Symbol.for('dbdoctor.template')

/** A text with `${NAME}` or `${file:PATH}` in it, filled when a run needs it: a config loads without its variables and files. */
export interface Reference {
  readonly [template]: string
}

/** Where references are looked up: the environment, and the folder that a file's path starts from. */
export interface Surroundings {
  readonly environment: Environment
  readonly folder: string
}

export type Environment = Readonly<Record<string, string | undefined>>

/** A setting with every reference in it replaced by the text that it stands for. */
export type Resolved<T> = T extends Reference
  ? string
  : T extends readonly (infer Part)[]
    ? readonly Resolved<Part>[]
    : T extends object
      ? { readonly [Key in keyof T]: Resolved<T[Key]> }
      : T

/** Longer than any secret, and shorter than what somebody names by mistake, in bytes. */
const longestFile = 65_536

/** Refers to an environment variable: `url: env('DATABASE_URL')`. Unset, it is an error only where a run needs it. */
export function env(name: string): Reference {
  return interpolated(`\${${name}}`)
}

/** Refers to a text file, its path seen from the config: `publicKey: file('./jwt.pem')`. A last line break is not part of the text. */
export function file(path: string): Reference {
  return interpolated(`\${file:${path}}`)
}

/** A text whose `${NAME}` and `${file:PATH}` stand for variables and files, as JSON and YAML configs write them. */
export function interpolated(text: string): Reference {
  return { [template]: text }
}

export function isReference(value: unknown): value is Reference {
  return typeof value === 'object' && value !== null && template in value
}

/** Whether a text holds something that stands for a variable or a file. */
export function isTemplate(text: string): boolean {
  return pattern.test(text)
}

/** A reference as JSON and YAML configs write it. */
export function templateOf(reference: Reference): string {
  return reference[template]
}

/** What a text refers to: variables, and the paths of files. */
export function referencesIn(text: string): { readonly variable?: string; readonly path?: string }[] {
  return [...text.matchAll(new RegExp(pattern, 'g'))].map(([, path, variable = '']) =>
    path === undefined ? { variable } : { path },
  )
}

/** A text whose references stay, and everything between them is replaced. */
export function literalsReplaced(text: string, replace: (literal: string) => string): string {
  const references = text.match(new RegExp(pattern, 'g')) ?? []
  const literals = text.split(new RegExp(pattern.source.replaceAll(/\((?!\?)/g, '(?:'), 'g'))
  return literals.map((literal, at) => `${literal && replace(literal)}${references[at] ?? ''}`).join('')
}

const pattern = /\$\{(?:file:([^}]+)|(\w+))\}/

/**
 * A setting with its references replaced. `onSecret` is told each text that came from outside the config. Throws
 * `ERR_ENVIRONMENT_UNSET` with the variable's name, or `ERR_CONFIG_INVALID` with the file's.
 */
export function resolve<T>(setting: T, surroundings: Surroundings, onSecret = (_: string) => {}): Resolved<T> {
  if (isReference(setting)) return filled(setting[template], surroundings, onSecret) as Resolved<T>
  if (Array.isArray(setting)) return setting.map((part) => resolve(part, surroundings, onSecret)) as Resolved<T>
  if (typeof setting !== 'object' || setting === null) return setting as Resolved<T>
  const entries = Object.entries(setting).map(([key, part]) => [key, resolve(part, surroundings, onSecret)])
  return Object.fromEntries(entries) as Resolved<T>
}

function filled(text: string, { environment, folder }: Surroundings, onSecret: (text: string) => void): string {
  return text.replaceAll(new RegExp(pattern, 'g'), (_, path: string | undefined, name: string) => {
    const value = path === undefined ? variable(environment, name) : contents(folder, path)
    onSecret(value)
    return value
  })
}

function variable(environment: Environment, name: string): string {
  const value = environment[name]
  if (value) return value
  throw new DbdoctorError(
    'ERR_ENVIRONMENT_UNSET',
    `the environment variable ${name} is not set`,
    `export ${name}=…, or name a file with --env-file`,
  )
}

function contents(folder: string, path: string): string {
  const fault = (what: string) =>
    new DbdoctorError('ERR_CONFIG_INVALID', `the file ${path}, which the config names, ${what}`, 'correct its path')
  let text: string
  try {
    text = readFileSync(resolvePath(folder, path), 'utf8')
  } catch (error) {
    throw fault(`cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
  if (text.length > longestFile)
    throw fault(`holds ${text.length} characters, and no secret is longer than ${longestFile}`)
  const value = text.replace(/\r?\n$/, '')
  if (value === '') throw fault('is empty')
  return value
}
