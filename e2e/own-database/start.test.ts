/** `belfry start` with DATABASE_URL: what works, and what is said where it does not. */
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../packages/server/src/engine/testing/until.ts'
import { type DebianPostgres, startDebianPostgres } from '../../tooling/debian-postgres.ts'
import { mustRefuse, mustSucceed } from '../cli/command-line.ts'
import { contents, fill, type World } from '../cli/world.ts'
import { type Product, startProduct, temporaryDirectory } from '../product.ts'
import { postgresProcesses } from '../start/surroundings.ts'
import { createDatabase, createUser, externalWorlds, type Login } from './database.ts'

let postgres: DebianPostgres

beforeAll(async () => {
  postgres = await startDebianPostgres()
})
afterAll(() => postgres?.stop())

describe('belfry start on a PostgreSQL of the operator’s', () => {
  let world: World

  beforeEach(async () => {
    world = await externalWorlds(() => postgres).create()
  })
  afterEach(async () => {
    // A test may have ended while it was away.
    await postgres.resume()
    await world.leave()
  })

  it('makes its schema there, and keeps nothing but its secret in the data directory', async () => {
    const product = await world.start()
    expect(product.output()).toMatch(/Database: connected/)
    expect(product.output()).toMatch(/Migrations: \d+ applied/)
    expect((await fetch(`${product.url}/readyz`)).status).toBe(200)
    const directory = join(world.directory, 'data')
    expect(readdirSync(directory).toSorted()).toEqual(['address', 'jwt-secret'])
    expect(statSync(join(directory, 'jwt-secret')).mode & 0o777).toBe(0o600)
    expect(existsSync(join(directory, 'postgres'))).toBe(false)
    expect(postgresProcesses(directory)).toEqual([])
    const schemas = await world.use(
      async (client) =>
        (
          await client.query<{ nspname: string }>(
            "select nspname from pg_namespace where nspname !~ '^(pg_|info)'",
          )
        ).rows,
    )
    expect(schemas.map(({ nspname }) => nspname).toSorted()).toEqual(['belfry', 'public'])
    expect(product.output()).not.toMatch(/error|warn/i)
    const { overview } = await signedIn(product)
    expect(await (await overview()).json()).toMatchObject({ database: { kind: 'external' } })
    await product.stop()
    expect(readdirSync(directory)).toEqual(['jwt-secret'])
  })

  it('finds everything again at the second start', async () => {
    // The server makes a link for its own announcement.
    const removeLinks = () =>
      world.use((client) => client.query("delete from belfry.sign_in_links where name = 'operator'"))
    await (await world.start()).stop()
    await fill(world)
    await removeLinks()
    const before = await contents(world)
    const second = await world.start()
    expect(second.output()).toContain('Migrations: up to date')
    await removeLinks()
    expect(await contents(world)).toBe(before)
  })

  it('runs twice on one database', async () => {
    const both = await Promise.all([world.start(), startBeside(world)])
    for (const { url } of both) expect((await fetch(`${url}/readyz`)).status).toBe(200)
    await both[1].stop()
  })

  it('stays up while the database is away, says so at /readyz, and goes on by itself', async () => {
    const product = await world.start()
    const { overview } = await signedIn(product)
    for (let round = 0; round < 2; round++) {
      await postgres.halt()
      const away = await untilReadiness(product, 503)
      expect(away.failed).toContain('database')
      expect(away.text).not.toContain(new URL(world.environment['DATABASE_URL'] ?? '').password)
      expect((await fetch(`${product.url}/healthz`)).status).toBe(200)
      expect((await overview()).status).toBe(503)
      await postgres.resume()
      expect((await untilReadiness(product, 200)).failed).toEqual([])
      expect((await overview()).status).toBe(200)
    }
    expect(product.process.exitCode).toBeNull()
    product.process.kill('SIGTERM')
    expect(await product.ended).toBe(0)
  })

  it('stops in order while the database is away', async () => {
    const product = await world.start()
    await postgres.halt()
    try {
      product.process.kill('SIGTERM')
      expect(await product.ended).toBe(0)
    } finally {
      await postgres.resume()
    }
  })
})

describe('belfry start on a PostgreSQL of the operator’s refuses, in one sentence and without the password, when', () => {
  let directory: string
  let login: Login
  let database: string

  beforeEach(async () => {
    directory = temporaryDirectory()
    login = await createUser(postgres)
    database = await createDatabase(postgres)
  })
  afterEach(async () => {
    await postgres.sql(`drop database ${database}`)
    await postgres.sql(`drop role ${login.user}`)
    rmSync(directory, { recursive: true, force: true })
  })

  const environmentOf = (changes: Partial<Login> & { database?: string } = {}) => ({
    BELFRY_DATA_DIR: join(directory, 'data'),
    DATABASE_URL: postgres.urlOf({ ...login, database, ...changes }),
  })
  const refused = async (environment: Record<string, string>, words = ['start', '--link']) => {
    const said = await mustRefuse(words, { environment })
    expect(said).not.toContain(login.password)
    return said
  }

  it('the password is wrong', async () => {
    const password = randomBytes(8).toString('hex')
    const said = await refused(environmentOf({ password }))
    expect(said).toContain(`password authentication failed for user "${login.user}"`)
    expect(said).not.toContain(password)
  })

  it('there is no such user', async () => {
    expect(await refused(environmentOf({ user: 'nobody_here' }))).toContain('nobody_here')
  })

  it('there is no such database', async () => {
    expect(await refused(environmentOf({ database: 'not_there' }))).toContain(
      'database "not_there" does not exist',
    )
  })

  it('the user may not create the schema: until somebody else has', async () => {
    const environment = environmentOf()
    const sentence = new RegExp(
      `user "${login.user}" may not create the schema "belfry" in the database "${database}".*create schema`,
    )
    expect(await refused(environment)).toMatch(sentence)
    expect(await refused(environment, ['migrate', 'up'])).toMatch(sentence)

    await postgres.sql('create schema belfry', database)
    expect(await refused(environment)).toMatch(
      new RegExp(`user "${login.user}" may not use the schema "belfry"`),
    )
    await postgres.sql(`grant usage on schema belfry to ${login.user}`, database)
    expect(await refused(environment)).toMatch(/may not create tables in the schema "belfry"/)
    await postgres.sql(`grant create on schema belfry to ${login.user}`, database)
    await mustSucceed(['migrate', 'up'], { environment })
    const product = await startProduct({ dataDirectory: join(directory, 'data'), environment })
    expect((await fetch(`${product.url}/readyz`)).status).toBe(200)
    await product.stop()
  })

  it('it is away', async () => {
    await postgres.halt()
    try {
      expect(await refused(environmentOf())).toMatch(/127\.0\.0\.1:\d+ cannot be reached/)
    } finally {
      await postgres.resume()
    }
  })
})

async function startBeside({ environment }: World): Promise<Product> {
  const { DATABASE_URL = '' } = environment
  return startProduct({ environment: { DATABASE_URL } })
}

async function untilReadiness({ url }: Product, status: number): Promise<{ failed: string[]; text: string }> {
  let text = ''
  await until(
    async () => {
      const answer = await fetch(`${url}/readyz`)
      text = await answer.text()
      return answer.status === status
    },
    { what: `/readyz answers ${status}`, withinMs: 30_000 },
  )
  const { checks } = JSON.parse(text) as { checks: { name: string; ok: boolean }[] }
  return { text, failed: checks.filter(({ ok }) => !ok).map(({ name }) => name) }
}

async function signedIn({ url, signInLink }: Product) {
  const answer = await fetch(`${url}/api/v1/access/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url },
    body: JSON.stringify({ token: signInLink.split('#token=')[1] }),
  })
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  return { overview: () => fetch(`${url}/api/v1/system/overview`, { headers: { cookie } }) }
}
