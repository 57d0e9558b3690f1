/**
 * `npm test`: runs the tests, and closes with what a reader needs: the slowest files, and last what failed, with its place. Where nobody
 * watches (CI), files that failed are run once more after all others; what passes only then is named as flaky, which is a bug in it or
 * in the product.
 */
import { relative } from 'node:path'
import { inspect } from 'node:util'
import { createVitest, parseCLI, type TestCase, type TestModule } from 'vitest/node'

const title = ({ module, fullName }: TestCase) => `${module.relativeModuleId} › ${fullName}`

/** Where a failure stands: the deepest line of the file of tests that took part in it. */
function placeOf(module: TestModule, test?: TestCase): string {
  const stacks = (test?.result().errors ?? module.errors()).flatMap(({ stacks = [] }) => stacks)
  const line = stacks.find(({ file }) => file === module.moduleId)?.line
  return `${relative(process.cwd(), module.moduleId)}${line ? `:${line}` : ''}`
}

/** A line for each test that failed, and for each file that broke outside its tests. */
function failuresOf(module: TestModule): string[] {
  const failed = [...module.children.allTests('failed')]
  const tests = failed.map((test) => `${placeOf(module, test)} › ${test.fullName}`)
  return tests.length > 0 ? tests : [`${placeOf(module)} › ${module.errors()[0]?.message ?? 'broke outside its tests'}`]
}

const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)])
const vitest = await createVitest('test', { ...options, run: true, watch: false })
try {
  const { testModules, unhandledErrors } = await vitest.start(filter)
  const slowest = testModules
    .map((module) => [module.diagnostic().duration, module.relativeModuleId] as const)
    .sort(([a], [b]) => b - a)
    .slice(0, 10)
  const broken = testModules.filter((module) => !module.ok())
  const flaky = broken.flatMap((module) => [...module.children.allTests('failed')].map(title))
  let left = broken
  if (process.env.CI && broken.length > 0) {
    console.log('\nOnce more, after all others:')
    left = (
      await vitest.runTestSpecifications(broken.map((module) => module.toTestSpecification()))
    ).testModules.filter((module) => !module.ok())
  }

  console.log('\nslowest:')
  for (const [ms, file] of slowest) console.log(`  ${(ms / 1000).toFixed(1).padStart(6)} s  ${file}`)
  const failures = [
    ...left.flatMap(failuresOf),
    ...unhandledErrors.map((error) => `outside of tests: ${inspect(error)}`),
  ]
  const still = new Set(left.flatMap((module) => [...module.children.allTests('failed')].map(title)))
  for (const name of flaky) if (!still.has(name)) console.log(`flaky: ${name}`)
  for (const failure of failures) console.log(`FAIL ${failure}`)
  process.exitCode = failures.length > 0 || testModules.length === 0 ? 1 : 0
} finally {
  const { exitCode } = process
  await vitest.close()
  process.exitCode = exitCode
}
