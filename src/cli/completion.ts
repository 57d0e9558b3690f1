import type { Command } from 'commander'
import { layers } from '../contracts/layers.js'
import { reporterNames } from '../reporters/index.js'
import { bash } from './completions/bash.js'
import { fish } from './completions/fish.js'
import { grammarOf } from './completions/grammar.js'
import type { Shell } from './completions/shells.js'
import { zsh } from './completions/zsh.js'
import { print } from './output.js'
import type { Parts } from './parts.js'

const scripts = { bash, zsh, fish }

/** `dbdoctor completion`: a script with all that is known in it, so that no key waits for a process. */
export async function completion(parts: Parts, program: Command, shell: Shell): Promise<number> {
  const [{ checks = [] }, { scenarios }] = await Promise.all([parts.checks(), parts.demo()])
  const grammar = grammarOf(program, {
    ids: checks.map(({ id }) => id),
    layers,
    formats: reporterNames,
    scenarios: scenarios.map(({ name }) => name),
  })
  await print(scripts[shell](grammar))
  return 0
}
