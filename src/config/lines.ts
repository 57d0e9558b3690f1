import { readFile } from 'node:fs/promises'
import { relative, sep } from 'node:path'
import type { AnyCheck } from '../contracts/check.js'
import { type Layer, layerOf } from '../contracts/layers.js'
import type { Report } from '../report/report.js'

/** The keys of the config under which a layer's expectations stand. */
const sections: Partial<Record<Layer, string>> = { server: 'api', auth: 'auth', external: 'external' }

/** The line of a config file that asked for each check: where it is named, else where what it needs is written, else its section. */
export async function configLines(path: string, checks: readonly AnyCheck[]): Promise<NonNullable<Report['config']>> {
  const lines = (await readFile(path, 'utf8')).split('\n')
  const lineOf = (key: string) => lines.findIndex((line) => writes(line, key)) + 1
  const entries = checks.flatMap(({ id, needs = [] }) => {
    const parts = needs.map((need) => need.replace('?', '')).reverse()
    const found = [id, ...parts, sections[layerOf(id)] ?? 'database'].map(lineOf).find((line) => line > 0)
    return found === undefined ? [] : [[id, found] as const]
  })
  return { path: relative(process.cwd(), path).split(sep).join('/'), lines: Object.fromEntries(entries) }
}

/** Whether a line of TypeScript, JSON or YAML begins a setting of this name. */
function writes(line: string, key: string): boolean {
  const at = line.search(new RegExp(`(?<![\\w/])["']?${key}["']?\\s*:`))
  return at >= 0 && !/\/\/|#/.test(line.slice(0, at))
}
