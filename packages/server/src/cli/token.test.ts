/** `belfry token`, called as `cli/main.ts` calls it: what it prints, with which secret, what it refuses. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTokenVerifier, type TokenVerifierOptions } from '../adapters/tokens/token-verifier.ts'
import { StartRefusal } from '../engine/start-refusal.ts'
import { generatedSecret } from '../server/generated-secret.ts'
import { CommandFailure, UsageError } from './command.ts'
import { token } from './commands/token.ts'
import { createTerminal } from './terminal.ts'

const secret = 'a secret of the tests, of more than 32 bytes'
let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'belfry-token-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

/** What it prints. */
async function call(
  words: readonly string[],
  environment: NodeJS.ProcessEnv = { JWT_SECRET: secret },
): Promise<string> {
  let printed = ''
  const stream = {
    isTTY: false,
    write(text: string) {
      printed += text
      return true
    },
  } as unknown as NodeJS.WriteStream
  const terminal = createTerminal(stream, stream, environment)
  const all = { BELFRY_DATA_DIR: join(directory, 'data'), ...environment }
  expect(await token.run(words, { terminal, environment: all })).toBe(0)
  return printed
}

function principalOf(printed: string, options: Partial<TokenVerifierOptions> = {}) {
  return createTokenVerifier({ secret, now: Date.now, ...options }).verify(printed.trimEnd())
}

function claimsOf(printed: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(printed.split('.')[1] ?? '', 'base64url').toString())
}

describe('the token', () => {
  it('is all that is printed, in one line', async () => {
    expect(await call(['--sub', 'ana'])).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]{43}\n$/)
  })

  it('says what was asked for', async () => {
    const printed = await call([
      ...['--sub', 'ana', '--name', 'Ana B', '--workspaces', 'acme, beta', '--teams', 'red'],
      ...['--roles=admin', '--permissions', 'post:write,post:read'],
    ])
    expect(principalOf(printed)).toMatchObject({
      userId: 'ana',
      name: 'Ana B',
      workspaces: ['acme', 'beta'],
      teams: ['red'],
      roles: ['admin'],
      permissions: ['post:write', 'post:read'],
    })
  })

  it('says no more than that', async () => {
    expect(Object.keys(claimsOf(await call(['--sub', 'ana']))).toSorted()).toEqual(['exp', 'iat', 'sub'])
  })

  it('has the audience and the issuer of the settings', async () => {
    const environment = { JWT_SECRET: secret, JWT_AUDIENCE: 'belfry', JWT_ISSUER: 'https://id.example.com' }
    const printed = await call(['--sub', 'ana'], environment)
    expect(claimsOf(printed)).toMatchObject({ aud: 'belfry', iss: 'https://id.example.com' })
    const options = { audience: 'belfry', issuer: 'https://id.example.com' }
    expect(principalOf(printed, options)).toMatchObject({ userId: 'ana' })
  })

  it.each([
    [[], {}, 3_600],
    [[], { JWT_EXPIRES_IN: '60' }, 60],
    [['--expires', '1s'], {}, 1],
    [['--expires', '30s'], { JWT_EXPIRES_IN: '60' }, 30],
    [['--expires', '15m'], {}, 900],
    [['--expires', '1h'], {}, 3_600],
    [['--expires', '7d'], {}, 604_800],
    [['--expires', '365d'], {}, 31_536_000],
    [['--expires', '31536000s'], {}, 31_536_000],
  ])('lives as long as %j and %j say', async (words, environment, seconds) => {
    const { iat, exp } = claimsOf(
      await call(['--sub', 'ana', ...words], { JWT_SECRET: secret, ...environment }),
    )
    expect(Number(exp) - Math.floor(Number(iat))).toBe(seconds)
    expect(Math.abs(Number(iat) - Date.now() / 1_000)).toBeLessThan(60)
  })
})

describe('the secret', () => {
  it('is that of the settings, and then no data directory is needed', async () => {
    principalOf(await call(['--sub', 'ana']))
    expect(existsSync(join(directory, 'data'))).toBe(false)
  })

  it('is else the one that the server generated', async () => {
    const generated = generatedSecret(join(directory, 'jwt-secret'))
    const printed = await call(['--sub', 'ana'], { BELFRY_DATA_DIR: directory })
    expect(principalOf(printed, { secret: generated })).toMatchObject({ userId: 'ana' })
    expect(readdirSync(directory)).toEqual(['jwt-secret'])
  })

  it('is made before the first start, and the server finds it then', async () => {
    const printed = await call(['--sub', 'ana'], {})
    const generated = generatedSecret(join(directory, 'data', 'jwt-secret'))
    expect(principalOf(printed, { secret: generated })).toMatchObject({ userId: 'ana' })
    expect(readdirSync(join(directory, 'data'))).toEqual(['jwt-secret'])
    const again = await call(['--sub', 'ana'], {})
    expect(principalOf(again, { secret: generated })).toMatchObject({ userId: 'ana' })
  })

  it('is used beside a running server, whose files stay as they are', async () => {
    const owner = JSON.stringify({ pid: process.pid })
    writeFileSync(join(directory, 'owner.json'), owner)
    writeFileSync(join(directory, 'owner.lock'), '')
    generatedSecret(join(directory, 'jwt-secret'))
    await call(['--sub', 'ana'], { BELFRY_DATA_DIR: directory })
    expect(readdirSync(directory).toSorted()).toEqual(['jwt-secret', 'owner.json', 'owner.lock'])
    expect(readFileSync(join(directory, 'owner.json'), 'utf8')).toBe(owner)
  })

  it('is never printed, nor named in what is refused', async () => {
    expect(await call(['--sub', 'ana'])).not.toContain(secret)
    for (const words of [[], ['--sub', ''], ['--sub', 'ana', '--expires', 'x']])
      await expect(call(words)).rejects.not.toThrow(secret)
    writeFileSync(join(directory, 'jwt-secret'), 'hunter2')
    const short = call(['--sub', 'ana'], { BELFRY_DATA_DIR: directory })
    await expect(short).rejects.toThrow(StartRefusal)
    await expect(short).rejects.not.toThrow('hunter2')
  })

  it('that cannot be read is told in a sentence', async () => {
    mkdirSync(join(directory, 'jwt-secret'))
    const refused = call(['--sub', 'ana'], { BELFRY_DATA_DIR: directory })
    await expect(refused).rejects.toThrow(CommandFailure)
    await expect(refused).rejects.toThrow('jwt-secret is a directory')
  })

  it('needs a data directory that can be had', async () => {
    const refused = call(['--sub', 'ana'], { BELFRY_DATA_DIR: '/proc/nowhere' })
    await expect(refused).rejects.toThrow(StartRefusal)
    await expect(refused).rejects.toThrow('/proc/nowhere')
  })
})

describe('what makes no sense', () => {
  const ids = 'takes text of 1 to 128 characters without control characters.'
  const times = 'takes a time such as 30s, 15m, 1h or 7d, up to 365d.'

  it.each<[string[], string]>([
    [[], '"belfry token" needs the id of a user, such as: belfry token --sub ana'],
    [['--name', 'Ana'], '"belfry token" needs the id of a user'],
    [['--sub', ''], `--sub has "", but ${ids}`],
    [['--sub', 'a\nb'], `--sub has "a\\nb", but ${ids}`],
    [['--sub', 'x'.repeat(129)], ids],
    [['--sub', 'ana', '--workspaces', 'acme,,beta'], `--workspaces has "", but ${ids}`],
    [['--sub', 'ana', '--teams', ''], `--teams has "", but ${ids}`],
    [['--sub', 'ana', '--roles', 'admin,'], `--roles has "", but ${ids}`],
    [['--sub', 'ana', '--permissions', 'a\u0007'], `--permissions has "a\\u0007", but ${ids}`],
    [['--sub', 'ana', '--teams', 'a,'.repeat(200).concat('a')], 'claim teams must be a list of at most 200'],
    [['--sub', 'ana', '--name', ''], 'claim name must be text of 1 to 200'],
    [
      ['--sub', 'ana', '--roles', Array.from({ length: 100 }, () => 'x'.repeat(99)).join()],
      'longer than 8192',
    ],
    ...[
      '',
      '0s',
      '00d',
      '1',
      's',
      '1w',
      '1.5h',
      '-1h',
      '1h30m',
      ' 1h',
      '1h ',
      '1H',
      '366d',
      '31536001s',
      '1e3s',
      '99999999d',
    ].map((given): [string[], string] => [
      ['--sub', 'ana', `--expires=${given}`],
      `--expires has ${JSON.stringify(given)}, but ${times}`,
    ]),
  ])('is refused: case %#', async (words, sentence) => {
    const refused = call(words)
    await expect(refused).rejects.toThrow(UsageError)
    await expect(refused).rejects.toThrow(sentence)
  })

  it.each([
    [['ana']],
    [['--sub', 'ana', 'eva']],
    [['--sub']],
    [['--user', 'ana']],
    [['--sub', 'ana', '--roles']],
  ])('is refused: %j', async (words) => {
    await expect(call(words)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_PARSE_ARGS_/) })
  })

  it('is refused before a secret is made', async () => {
    await expect(call(['--sub', ''], {})).rejects.toThrow(UsageError)
    expect(existsSync(join(directory, 'data'))).toBe(false)
  })

  it('among the settings is told as everywhere', async () => {
    await expect(call(['--sub', 'ana'], { JWT_SECRET: 'short' })).rejects.toThrow('JWT_SECRET must have 32')
  })
})
