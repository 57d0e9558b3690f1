import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { beforeAll, describe, expect, test } from 'vitest'
import { dbdoctor } from '../support/cli.js'
import { testFolder } from '../support/databases.js'

describe('in bash', () => {
  let script = ''
  beforeAll(async () => {
    script = join(await testFolder(), 'dbdoctor.bash')
    writeFileSync(script, (await dbdoctor(['completion', 'bash'])).stdout)
  })

  /** What bash offers for the last of these words, which are split as bash splits them. */
  async function offered(...words: string[]): Promise<string[]> {
    const body =
      'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _dbdoctor; printf "%s\\n" "${COMPREPLY[@]}"'
    const { stdout, stderr } = await execa('bash', ['-c', body, 'bash', script, ...words])
    expect(stderr).toBe('')
    return stdout.split('\n').filter(Boolean)
  }

  test.each([
    ['commands', ['dbdoctor', 'c'], ['check', 'config', 'completion']],
    ['options', ['dbdoctor', 'check', '--de'], ['--depth', '--deadline']],
    ['options of this command alone', ['dbdoctor', 'init', '--f'], ['--format', '--force']],
    ['values', ['dbdoctor', 'check', '--depth', ''], ['quick', 'standard', 'deep']],
    ['values behind a sign', ['dbdoctor', 'check', '--depth', '=', 'q'], ['quick']],
    ['values right behind it', ['dbdoctor', 'check', '--fail-on', '='], ['fail', 'warn', 'never']],
    ['formats', ['dbdoctor', 'check', '-f', 'j'], ['json', 'junit']],
    ['formats of a config', ['dbdoctor', 'init', '-f', ''], ['ts', 'json', 'yaml']],
    ['checks', ['dbdoctor', 'explain', 'schema/ta'], ['schema/tables']],
    [
      'checks and layers',
      ['dbdoctor', 'check', '--only', 'stor'],
      ['storage/pages', 'storage/catalog', 'storage/checksums', 'storage/collations', 'storage/wraparound', 'storage'],
    ],
    ['the last of a list', ['dbdoctor', 'check', '--skip', 'auth,schema/ta'], ['auth,schema/tables']],
    ['scenarios', ['dbdoctor', 'demo', 'server-d'], ['server-down']],
    ['shells', ['dbdoctor', 'completion', ''], ['bash', 'zsh', 'fish']],
    ['commands to be helped with', ['dbdoctor', 'help', 'ex'], ['explain']],
    ['nothing where a file belongs, which bash completes itself', ['dbdoctor', 'check', '--config', ''], []],
    ['nothing for a target', ['dbdoctor', 'check', './'], []],
    ['nothing for an unknown command', ['dbdoctor', 'chekc', '--'], []],
  ])('completes %s', async (_, words, expected) => {
    expect((await offered(...words)).sort()).toEqual([...expected].sort())
  })

  test('its own files are completed by bash, and it is registered', async () => {
    const { stdout } = await execa('bash', ['-c', 'source "$1"; complete -p dbdoctor', 'bash', script])
    expect(stdout).toBe('complete -o bashdefault -o default -F _dbdoctor dbdoctor')
  })
})

test('for zsh: each command with its options, values and descriptions', async () => {
  const { stdout } = await dbdoctor(['completion', 'zsh'])
  expect(stdout).toMatch(/^#compdef dbdoctor\n/)
  for (const line of [
    "'check:examine a database and say what is ill'",
    "'baseline:accept today'\\''s findings, so that only new or worse ones fail'",
    "'*--depth=[how much to read]:value:(quick standard deep)'",
    "'1:check:_files'",
    "'*-c[config file (else dbdoctor.config.*, searched upward)]:value:_files'",
    "'*--expires=[until when\\: 2027-01-01]:value:'",
    "'1:completion:(bash zsh fish)'",
  ])
    expect(stdout).toContain(line)
  expect(stdout).toMatch(/'\*--only=\[.*\]:value:_sequence compadd - connection\/opens .* external'/)
  expect(stdout).toMatch(/'1:demo:\(healthy .*orphans.*\)'/)
})

test('for fish: each command with its options, values and descriptions', async () => {
  const { stdout } = await dbdoctor(['completion', 'fish'])
  const inside = (name: string) => `complete -c dbdoctor -n '__fish_seen_subcommand_from ${name}'`
  for (const line of [
    "complete -c dbdoctor -n __fish_use_subcommand -a check -d 'examine a database and say what is ill'",
    "complete -c dbdoctor -n __fish_use_subcommand -a baseline -d 'accept today\\'s findings, so that only new or worse ones fail'",
    `${inside('check')} -l depth -r -f -a 'quick standard deep' -d 'how much to read'`,
    `${inside('check')} -F`,
    `${inside('check')} -s c -l config -r -F -d`,
    `${inside('completion')} -f -a 'bash zsh fish'`,
  ])
    expect(stdout).toContain(line)
  expect(stdout).toMatch(/ -l only -r -f -a '\(__fish_append , connection\/opens .* external\)'/)
})

test('another shell is a mistake', async () => {
  const { exitCode, stderr } = await dbdoctor(['completion', 'tcsh'])
  expect(exitCode).toBe(2)
  expect(stderr).toContain('Allowed choices are bash, zsh, fish.')
})
