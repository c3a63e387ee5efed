/** `belfry token` as a script calls it: beside a running server, before one starts, and in a pipe. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { jwtVerify } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startProduct, temporaryDirectory } from '../product.ts'
import { belfry, expectNoStack, into, mustRefuse, mustSucceed } from './command-line.ts'

let directory: string
let environment: Record<string, string>

beforeEach(() => {
  directory = temporaryDirectory()
  environment = { BELFRY_DATA_DIR: join(directory, 'data') }
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const secretFile = () => readFileSync(join(directory, 'data', 'jwt-secret'), 'utf8')
const subjectOf = async (printed: string, secret: string) =>
  (await jwtVerify(printed.trimEnd(), new TextEncoder().encode(secret), { algorithms: ['HS256'] })).payload
    .sub

describe('belfry token', () => {
  it('prints a token alone, signed with the secret of a server that is running', async () => {
    const product = await startProduct({ dataDirectory: join(directory, 'data'), environment })
    try {
      const { stdout, stderr } = await mustSucceed(['token', '--sub', 'ana'], { environment })
      expect([stdout.split('\n').length, stderr]).toEqual([2, ''])
      expect(await subjectOf(stdout, secretFile())).toBe('ana')
      expect((await fetch(`${product.url}/readyz`)).status).toBe(200)
    } finally {
      await product.stop()
    }
  })

  it('makes the secret before a server starts, which then keeps it', async () => {
    const { stdout } = await mustSucceed(['token', '--sub', 'ana'], { environment })
    const secret = secretFile()
    const product = await startProduct({ dataDirectory: join(directory, 'data'), environment })
    await product.stop()
    expect(secretFile()).toBe(secret)
    expect(await subjectOf(stdout, secret)).toBe('ana')
  })

  it('may be read in part', async () => {
    for (const reader of ['head -c 1', 'true']) {
      const answer = await belfry(['token', '--sub', 'ana'], { environment, wrapper: into(reader) })
      expectNoStack(answer)
      expect(answer.stderr).toBe('code 0\n')
    }
  })

  it.each([
    [['token'], 'needs the id of a user'],
    [['token', '--sub', ''], '--sub has ""'],
    [['token', '--sub', 'ana', '--expires', 'soon'], '--expires has "soon"'],
    [['token', '--sub', 'ana', '--admin'], '--admin'],
    [['token', 'ana'], 'ana'],
  ])('refuses %j with exit code 2', async (words, reason) => {
    expect(await mustRefuse(words, { code: 2, environment })).toContain(reason)
  })

  it('says in one sentence what is wrong with the settings or the data directory', async () => {
    const call = (wrong: Record<string, string>) =>
      mustRefuse(['token', '--sub', 'ana'], { environment: { ...environment, ...wrong } })
    expect(await call({ JWT_SECRET: 'hunter2' })).toContain('JWT_SECRET must have 32')
    expect(await call({ BELFRY_DATA_DIR: '/proc/nowhere' })).toContain('/proc/nowhere')
  })
})
