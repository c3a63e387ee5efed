/**
 * `./test`: every check and test in turn, each with its own line, and one closing line that counts them all.
 * A stage that could not run counts as failed: a missing part is never a silent skip.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'

interface Stage {
  readonly name: string
  readonly title: string
  run(): Promise<Outcome>
}

interface Outcome {
  readonly passed: number
  readonly failed: number
  /** What failed, each with its reason: said again at the end, where a long output is read first. */
  readonly failures?: readonly string[]
}

const root = join(import.meta.dirname, '..')
const bin = (name: string) => join(root, 'node_modules', '.bin', name)
const reports = mkdtempSync(join(tmpdir(), 'belfry-test-'))

/** Tests that start the product with DATABASE_URL. */
const ownDatabaseTests = 'e2e/own-database'
/** Whatever speaks to the database itself. */
const ownDatabaseParts = ['adapters/postgres', 'modules', 'server'].map(
  (part) => `packages/server/src/${part}/`,
)

const stages: readonly Stage[] = [
  { name: 'types', title: 'Types', run: () => check(bin('tsc'), ['-b', 'tsconfig.check.json']) },
  { name: 'lint', title: 'Lint and format', run: () => check(bin('biome'), ['ci', '.']) },
  { name: 'unit', title: 'Floors, documents and units', run: () => vitest('unit', process.execPath) },
  {
    name: 'integration',
    title: 'Parts on real PostgreSQL',
    run: () => vitest('integration', process.execPath),
  },
  {
    name: 'product',
    title: 'The product as its users meet it',
    run: () => vitest('product', process.execPath, { options: ['--exclude', `${ownDatabaseTests}/**`] }),
  },
  { name: 'own-database', title: "Parts on a PostgreSQL of the operator's", run: onOwnDatabase },
  { name: 'node22', title: 'Units on Node 22', run: unitsOnNode22 },
]

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true } } })
const chosen =
  values.only === undefined ? stages : stages.filter((stage) => values.only?.includes(stage.name))
if (chosen.length === 0) {
  console.error(`There is no such stage; the stages are ${stages.map((stage) => stage.name).join(', ')}.`)
  process.exit(1)
}

const total = { passed: 0, failed: 0 }
const failures: string[] = []
for (const stage of chosen) {
  const began = performance.now()
  console.log(`\n── ${stage.title}`)
  const outcome = await stage.run().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    return { passed: 0, failed: 1, failures: [error instanceof Error ? error.message : String(error)] }
  })
  total.passed += outcome.passed
  total.failed += outcome.failed
  if (outcome.failed > 0) {
    const said = outcome.failures ?? []
    failures.push(...(said.length > 0 ? said : ['see above']).map((line) => `${stage.title}: ${line}`))
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.log(`── ${stage.title}: ${outcome.passed} passed, ${outcome.failed} failed, ${seconds} s`)
}
rmSync(reports, { recursive: true, force: true })
if (failures.length > 0) console.log(`\nFailed:\n${failures.map((line) => `  ${line}`).join('\n')}`)
console.log(`\n${total.passed} passed, ${total.failed} failed`)
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1)

/** A program whose exit code is the result: one test. */
async function check(program: string, options: readonly string[]): Promise<Outcome> {
  const code = await run(program, options)
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

interface VitestRun {
  /** Which files, and further options. */
  readonly options?: readonly string[]
  readonly environment?: Record<string, string>
}

async function vitest(project: string, node: string, { options = [], environment }: VitestRun = {}) {
  const report = join(mkdtempSync(join(reports, 'run-')), 'report.json')
  const words = [
    'run',
    '--project',
    project,
    ...options,
    '--reporter=default',
    '--reporter=json',
    `--outputFile=${report}`,
  ]
  const code = await run(node, [join(root, 'node_modules', 'vitest', 'vitest.mjs'), ...words], environment)
  const counted = readReport(report)
  // An error outside of any test, or no test at all, fails the run without failing a test.
  if ((code !== 0 || counted.passed === 0) && counted.failed === 0) {
    return { ...counted, failed: 1, failures: ['an error outside of the tests, see above'] }
  }
  return counted
}

/**
 * What holds on the PostgreSQL that Belfry brings has to hold on one that the operator runs: another version, over
 * TCP, with a password.
 */
async function onOwnDatabase(): Promise<Outcome> {
  const { startDebianPostgres } = await import('./debian-postgres.ts')
  const postgres = await startDebianPostgres()
  try {
    const parts = await vitest('integration', process.execPath, {
      options: [...ownDatabaseParts, '--exclude', '**/adapters/postgres/embedded/**'],
      environment: { TEST_DATABASE_URL: postgres.url },
    })
    const product = await vitest('product', process.execPath, { options: [ownDatabaseTests] })
    return {
      passed: parts.passed + product.passed,
      failed: parts.failed + product.failed,
      failures: [...(parts.failures ?? []), ...(product.failures ?? [])],
    }
  } finally {
    await postgres.stop()
  }
}

interface Report {
  readonly numTotalTests: number
  readonly numPassedTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly message: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

function readReport(path: string): Outcome {
  let report: Report
  try {
    report = JSON.parse(readFileSync(path, 'utf8')) as Report
  } catch {
    return { passed: 0, failed: 0 }
  }
  // Skipped and unfinished tests did not pass.
  const passed = report.numPassedTests
  const failures = failuresOf(report)
  // A file that could not be read has no tests to count.
  return { passed, failed: Math.max(report.numTotalTests - passed, failures.length), failures }
}

function failuresOf({ testResults }: Report): string[] {
  return testResults.flatMap(({ name, message, assertionResults }) => {
    const file = relative(root, name)
    if (assertionResults.length === 0 && message !== '') return [`${file}: ${firstLine(message)}`]
    return assertionResults
      .filter(({ status }) => status !== 'passed')
      .map(({ fullName, status, failureMessages }) => {
        return `${file}: ${fullName}: ${firstLine(failureMessages[0] ?? status)}`
      })
  })
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}

/** The published packages promise Node 22: it comes from the registry like everything else. */
async function unitsOnNode22(): Promise<Outcome> {
  const { ensureNode22 } = await import('./node22.ts')
  return vitest('unit', ensureNode22())
}

function run(
  program: string,
  options: readonly string[],
  environment: Record<string, string> = {},
): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(program, options, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        PATH: `${join(root, 'node_modules', '.bin')}:${process.env['PATH']}`,
        ...environment,
      },
    })
    child.on('error', (error) => {
      console.error(error.message)
      resolve(1)
    })
    child.on('close', (code) => resolve(code ?? 1))
  })
}
