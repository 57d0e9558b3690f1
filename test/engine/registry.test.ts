import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/config.js'
import { type After, type AnyCheck, type CheckId, defineCheck } from '../../src/contracts/check.js'
import { createRegistry, findCheck, matchIds, refuseUnknown } from '../../src/engine/registry.js'
import { select } from '../../src/engine/selection.js'

function check(id: string, after: After[] = [], more: Partial<AnyCheck> = {}): AnyCheck {
  const docs = { why: 'to test', fix: 'nothing' }
  return {
    ...defineCheck({ id: id as CheckId, title: id, severity: 'error', after, docs, messages: {}, run() {} }),
    ...more,
  }
}

const registryOf = (...checks: AnyCheck[]) => createRegistry([{ name: 'test', checks }])
const config = (input = {}) => parseConfig(input, 'the test')

describe('createRegistry', () => {
  test('puts checks after what they follow, and keeps the order otherwise', () => {
    const { checks } = registryOf(
      check('server/c', ['server/b']),
      check('server/b', [{ id: 'server/a', blocks: false }]),
      check('server/a'),
      check('auth/x'),
    )
    expect(checks.map(({ id }) => id)).toEqual(['server/a', 'server/b', 'server/c', 'auth/x'])
  })

  test.each([
    [
      'two checks of one id, from two plugins',
      () =>
        createRegistry([
          { name: 'one', checks: [check('server/a')] },
          { name: 'two', checks: [check('server/a')] },
        ]),
      'ERR_DUPLICATE_CHECK',
      /server\/a \(in one and two\)/,
    ],
    [
      'a check after one that is not there',
      () => registryOf(check('server/alpha'), check('server/b', ['server/alhpa'])),
      'ERR_UNKNOWN_CHECK',
      /"server\/alhpa", which server\/b comes after/,
    ],
    [
      'checks that follow each other',
      () =>
        registryOf(check('server/a', ['server/c']), check('server/b', ['server/a']), check('server/c', ['server/b'])),
      'ERR_CYCLE',
      /server\/a -> server\/c -> server\/b -> server\/a/,
    ],
    [
      'a check that follows itself',
      () => registryOf(check('server/a', ['server/a'])),
      'ERR_CYCLE',
      /server\/a -> server\/a/,
    ],
    ['a check of no layer', () => registryOf(check('nowhere/a')), 'ERR_CHECK_INVALID', /nowhere\/a/],
    [
      'two diagnoses of one id',
      () => createRegistry([{ name: 'one', diagnoses: [diagnosis, diagnosis] }]),
      'ERR_DUPLICATE_DIAGNOSIS',
      /twice/,
    ],
  ])('refuses %s', (_, create, code, message) => {
    expect(create).toThrow(message)
    expect(create).toThrow(expect.objectContaining({ name: 'DbdoctorError', code }))
  })
})

const diagnosis = { id: 'twice', headline: '', when: () => false, next: [] }

describe('names of checks', () => {
  const registry = registryOf(check('server/reachable'), check('server/latency'), check('auth/login'))

  test('are ids, layers and globs', () => {
    expect([...matchIds(registry, ['server'])]).toEqual(['server/reachable', 'server/latency'])
    expect([...matchIds(registry, ['*/l*'])]).toEqual(['server/latency', 'auth/login'])
    expect([...matchIds(registry, ['auth/login', 'auth'])]).toEqual(['auth/login'])
  })

  test('that name nothing are refused, with what was meant', () => {
    expect(() => matchIds(registry, ['server/reachabel'])).toThrow(
      expect.objectContaining({ code: 'ERR_UNKNOWN_CHECK', hint: 'did you mean server/reachable?' }),
    )
    expect(() => findCheck(registry, 'zzz')).toThrow(
      expect.objectContaining({ hint: '"dbdoctor list" shows all checks' }),
    )
  })

  const refusing = (checks: Record<string, 'off'>, ...addresses: string[]) => {
    const ignore = addresses.map((address) => ({ address, reason: 'known' }))
    return () => refuseUnknown(registryOf(...registry.checks, speaking), config({ checks, ignore }))
  }
  const speaking = check('schema/tables', [], { messages: { missing: 'gone' } })

  test('in a config are of checks that there are', () => {
    expect(refusing({ 'server/latency': 'off' }, 'schema/tables#missing')).not.toThrow()
    for (const pattern of ['server', 'server/*'])
      expect(refusing({ [pattern]: 'off' })).toThrow(
        expect.objectContaining({
          code: 'ERR_UNKNOWN_CHECK',
          message: `there is no check "${pattern}", which the config has settings for`,
        }),
      )
    expect(refusing({ latency: 'off' })).toThrow(expect.objectContaining({ hint: 'did you mean server/latency?' }))
  })

  test('in accepted findings are of findings that there are', () => {
    expect(refusing({}, 'schema/tablse#missing')).toThrow(
      expect.objectContaining({ code: 'ERR_UNKNOWN_CHECK', hint: 'did you mean schema/tables?' }),
    )
    expect(refusing({}, 'schema/tables#mising')).toThrow(
      expect.objectContaining({ code: 'ERR_UNKNOWN_CHECK', hint: 'did you mean schema/tables#missing?' }),
    )
    expect(refusing({}, 'schema/tables#*')).toThrow(
      expect.objectContaining({ hint: '"dbdoctor explain schema/tables" shows them all' }),
    )
  })
})

describe('select', () => {
  const registry = registryOf(
    check('connection/opens'),
    check('integrity/rows', ['connection/opens'], { depth: 'standard' }),
    check('storage/pages', ['connection/opens'], { depth: 'deep' }),
    check('server/reachable'),
  )
  const left = (selection: ReturnType<typeof select>) =>
    registry.checks.map(({ id }) => id).filter((id) => !selection.deselected.has(id))

  test('what a wanted check stands on is wanted too', () => {
    expect(left(select(registry, config(), { only: ['integrity'], depth: 'standard' }))).toEqual([
      'connection/opens',
      'integrity/rows',
    ])
  })

  test('depth, --skip and the config leave checks out, and say so', () => {
    const selection = select(registry, config({ checks: { 'server/reachable': 'off' } }), {
      skip: ['integrity/rows'],
      depth: 'standard',
    })
    expect(Object.fromEntries(selection.deselected)).toEqual({
      'integrity/rows': 'by --skip',
      'storage/pages': '--depth standard does not reach it',
      'server/reachable': 'switched off in the config',
    })
  })

  test('connection, schema and integrity are always asked for; others when named or configured', () => {
    expect([...select(registry, config(), { depth: 'deep' }).asked].sort()).toEqual([
      'connection/opens',
      'integrity/rows',
    ])
    expect(select(registry, config(), { only: ['server'], depth: 'deep' }).asked.has('server/reachable')).toBe(true)
    expect(
      select(registry, config({ checks: { 'storage/pages': {} } }), { depth: 'deep' }).asked.has('storage/pages'),
    ).toBe(true)
  })

  test('nothing left to run is a mistake', () => {
    expect(() => select(registry, config(), { skip: ['*/*'], depth: 'deep' })).toThrow(
      expect.objectContaining({ code: 'ERR_EMPTY_SELECTION' }),
    )
  })
})
