/** What holds for the command line as such: help, wrong words, colours, pipes. None of it needs a database. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startProduct, temporaryDirectory } from '../product.ts'
import { postgresProcesses } from '../start/surroundings.ts'
import { belfry, expectNoStack, expectSentence, into, mustRefuse, mustSucceed } from './command-line.ts'

const commands = ['start', 'link', 'config', 'migrate', 'backup', 'restore']

let directory: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'belfry-e2e-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('belfry', () => {
  it('lists its commands when asked for help, in whatever way', async () => {
    const { stdout } = await mustSucceed([])
    for (const name of commands) expect(stdout).toMatch(new RegExp(`^ {2}belfry ${name} `, 'm'))
    for (const words of [['help'], ['--help'], ['-h']]) expect((await mustSucceed(words)).stdout).toBe(stdout)
  })

  it('says more about each command, without running it', async () => {
    for (const name of commands) {
      for (const option of ['--help', '-h']) {
        const { stdout } = await mustSucceed([name, option], {
          environment: { BELFRY_DATA_DIR: '/proc/nowhere' },
        })
        expect(stdout).toContain(`Usage: belfry ${name}`)
      }
    }
  })

  it('says its version, which is that of the package', async () => {
    const file = new URL('../../packages/server/package.json', import.meta.url)
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
    for (const words of [['version'], ['--version'], ['-v']])
      expect((await mustSucceed(words)).stdout).toBe(`${version}\n`)
  })

  it('refuses unknown commands with exit code 1', async () => {
    for (const word of ['frobnicate', '--frobnicate', 'constructor', '__proto__', 'START', ''])
      expect(await mustRefuse([word])).toContain(`There is no command "${word}"; "belfry help" lists all`)
  })

  it.each([
    [['start', '--frobnicate'], '--frobnicate'],
    [['start', 'now'], 'now'],
    [['link', '--frobnicate'], '--frobnicate'],
    [['link', 'me'], 'me'],
    [['config', '--yaml'], '--yaml'],
    [['config', '--json=1'], '--json'],
    [['migrate'], 'up, down, status and create.'],
    [['migrate', 'sideways'], 'not "sideways"'],
    [['migrate', 'up', '--steps', '1'], '--steps'],
    [['migrate', 'down', '--steps'], '--steps'],
    [['migrate', 'down', '--steps', '0'], 'whole number from 1 on'],
    [['migrate', 'down', '--steps', '1.5'], 'whole number from 1 on'],
    [['migrate', 'down', '--steps', '1e3'], 'whole number from 1 on'],
    [['migrate', 'down', '--steps', ''], 'whole number from 1 on'],
    [['migrate', 'down', '--steps=-1'], 'whole number from 1 on'],
    [['migrate', 'down', '--steps', '99999999999999999999'], 'whole number from 1 on'],
    [['migrate', 'down', '--steps', '1', '--to', 'x'], 'exclude each other'],
    [['migrate', 'status', 'x'], 'x'],
    [['migrate', 'create'], 'needs a module and a name'],
    [['migrate', 'create', 'access'], 'needs a module and a name'],
    [['migrate', 'create', 'access', 'a', 'b'], 'needs a module and a name'],
    [['migrate', 'create', 'access', 'Bad Name'], 'is no name for a migration'],
    [['migrate', 'create', '../access', 'add_things'], 'There is no module'],
    [['backup'], 'needs the name of one file'],
    [['backup', 'a', 'b'], 'needs the name of one file'],
    [['backup', 'a', '--replace'], '--replace'],
    [['restore'], 'needs the name of one file'],
    [['restore', 'a', 'b'], 'needs the name of one file'],
    [['restore', 'a', '--force'], '--force'],
  ])('refuses %j with exit code 2', async (words, reason) => {
    expect(await mustRefuse(words, { code: 2, environment: { BELFRY_DATA_DIR: '/proc/nowhere' } })).toContain(
      reason,
    )
  })

  it('says in one sentence that settings are wrong, whichever command needs them', async () => {
    for (const words of [['start'], ['link'], ['config'], ['migrate', 'status'], ['backup', '-']])
      expect(await mustRefuse(words, { environment: { PORT: 'many' } })).toContain('PORT "many" must be')
  })

  it('says in one sentence that the data directory cannot be used', async () => {
    for (const words of [['start'], ['link'], ['migrate', 'up'], ['backup', '-'], ['restore', '-']])
      expect(await mustRefuse(words, { environment: { BELFRY_DATA_DIR: '/proc/nowhere' } })).toContain(
        '/proc/nowhere',
      )
  })
})

describe('output', () => {
  it.each([[[]], [['config']], [['config', '--json']], [['config', '--reference']], [['start', '--help']]])(
    'of %j may be read in part',
    async (words) => {
      for (const reader of ['head -1', 'head -c 1', 'true', 'sleep 0']) {
        const { stdout, stderr } = await belfry(words, { wrapper: into(reader) })
        expectNoStack({ stdout, stderr })
        expect(stderr, reader).toBe('code 0\n')
      }
    },
  )

  it('of errors may be read in part, too', async () => {
    const { code, stderr } = await belfry(['frobnicate'], {
      wrapper: ['sh', '-c', '{ "$@" 2>&1; echo "code $?" >&2; } | true', 'sh'],
    })
    expect([code, stderr]).toEqual([0, 'code 1\n'])
  })

  it('that cannot be written is a failure, in one sentence', async () => {
    const answer = await belfry(['config'], { wrapper: ['sh', '-c', '"$@" > /dev/full', 'sh'] })
    expect(answer.code).toBe(1)
    expectSentence(answer.stderr)
    expect(answer.stderr).toContain('could not be written (ENOSPC)')
  })

  it('has colours in a terminal, unless NO_COLOR or a dumb terminal ask for none', async () => {
    // A terminal of its own: what the program writes to it comes out with \r\n.
    const terminal = ['sh', '-c', 'script -qec "$*" /dev/null', 'sh']
    const shown = async (environment: Record<string, string>) =>
      (await belfry(['config'], { wrapper: terminal, environment: { TERM: 'xterm', ...environment } })).stdout
    expect(await shown({})).toContain('\u001b[')
    expect(await shown({ NO_COLOR: '' })).toContain('\u001b[')
    for (const without of [{ NO_COLOR: '1' }, { NO_COLOR: '0' }, { TERM: 'dumb' }]) {
      const output = await shown(without)
      expect(output).toContain('PORT')
      expect(output).not.toContain('\u001b')
    }
    expect((await mustSucceed(['config'])).stdout).not.toContain('\u001b')
  })

  it('has no colours in a file, though the rest goes to a terminal', async () => {
    const file = join(directory, 'errors')
    for (const [words, environment] of [
      [['frobnicate'], {}],
      [['config'], { PORT: 'many' }],
    ] as const) {
      const call = await belfry(words, {
        wrapper: ['sh', '-c', `script -qec "$* 2> ${file}" /dev/null`, 'sh'],
        environment: { TERM: 'xterm', ...environment },
      })
      expect(call.code).toBe(1)
      const written = readFileSync(file, 'utf8')
      expect(written).toMatch(/^✖ \S/)
      expect(written).not.toContain('\u001b')
    }
  })

  it('that nobody reads any more does not stop a server, nor its orderly end', async () => {
    const dataDirectory = temporaryDirectory()
    const product = await startProduct({ dataDirectory, environment: { LOG_LEVEL: 'debug' } })
    try {
      product.process.stdout?.destroy()
      product.process.stderr?.destroy()
      // Each request writes to the log.
      for (let request = 0; request < 20; request++)
        expect((await fetch(`${product.url}/api/v1/system/overview`)).status).toBe(401)
      expect((await fetch(`${product.url}/readyz`)).status).toBe(200)
      product.process.kill('SIGTERM')
      expect(await product.ended).toBe(0)
      expect(postgresProcesses(dataDirectory)).toEqual([])
    } finally {
      await product.stop()
      rmSync(dataDirectory, { recursive: true, force: true })
    }
  })
})
