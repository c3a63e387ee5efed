/** Belfry inside of a program: its tables, its HTTP server, its tokens, and what a failed start leaves of them. */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { describe, expect, inject, it } from 'vitest'
import { readBackup } from '../adapters/postgres/backup/read-backup.ts'
import { writeBackup } from '../adapters/postgres/backup/write-backup.ts'
import { listHostSchemas } from '../adapters/postgres/host-schemas.ts'
import { silentLogger } from '../adapters/postgres/testing/silent-logger.ts'
import { testDatabase } from '../adapters/postgres/testing/test-database.ts'
import { sql } from '../engine/sql.ts'
import { until } from '../engine/testing/until.ts'
import { type Belfry, type BelfryOptions, startBelfry } from './belfry.ts'
import { schemaModules } from './schema.ts'
import { loadSettings } from './settings.ts'

const createOrders = 'create table shop.orders (id integer generated always as identity, dish text not null);'

describe('tables of the host', () => {
  it('are made once, in a schema of their own, and beside those of Belfry', async () => {
    await using world = await openWorld({ '0001_create_orders.sql': createOrders, '.hidden': 'x' })
    const first = await world.start()
    await first.query(sql`insert into shop.orders (dish) values ('soup')`)
    await first.stop()
    world.write('0002_add_tables.sql', 'alter table orders add at_table integer')
    // As a path and as a URL.
    const { stop, query } = await world.start({ migrations: pathToFileURL(`${world.folder}/`) })
    expect(await query(sql`select * from shop.orders`)).toEqual([{ id: 1, dish: 'soup', at_table: null }])
    expect(await query(sql`select id from shop.migrations order by id`)).toEqual([
      { id: '0001_create_orders' },
      { id: '0002_add_tables' },
    ])
    expect(await query(sql`select count(*) as count from migrations where module = 'shop'`)).toEqual([
      { count: 0 },
    ])
    await stop()
  })

  it('are made once by several that start at the same time', async () => {
    await using world = await openWorld({ '0001_create_orders.sql': createOrders })
    const servers = await Promise.all([world.start(), world.start(), world.start()])
    expect(await servers[0]?.query(sql`select id from shop.migrations`)).toHaveLength(1)
    await Promise.all(servers.map((server) => server.stop()))
  })

  const refusals: [what: string, files: Record<string, string>, code: string, sentence: RegExp][] = [
    ['a name that is none', { 'create.sql': createOrders }, 'host_tables_invalid', /create\.sql is no name/],
    ['a file of something else', { '0001_a.ts': 'x' }, 'host_tables_invalid', /0001_a\.ts is no name/],
    ['an empty file', { '0001_a.sql': ' \n' }, 'host_tables_invalid', /0001_a\.sql is empty/],
    ['no file', {}, 'host_tables_invalid', /There is no migration in/],
    [
      'a number that comes twice',
      { '0001_a.sql': 'select 1', '0002_b.sql': 'select 1', '0002_c.sql': 'select 1' },
      'host_tables_invalid',
      /the number 0002/,
    ],
    [
      'SQL that PostgreSQL refuses',
      {
        '0001_a.sql': 'create table shop.kept ();',
        '0002_b.sql': 'create table shop.lost ();\nselect nonsense',
      },
      'migration_failed',
      /0002_b of module "shop" failed in line 2/,
    ],
  ]
  it.each(refusals)('are refused with a sentence: %s', async (_, files, code, sentence) => {
    await using world = await openWorld(files)
    await expect(world.start()).rejects.toMatchObject({ code, message: expect.stringMatching(sentence) })
    expect(await world.database.sql(`select to_regclass('shop.lost') as lost`)).toEqual([{ lost: null }])
  })

  it('are refused in a schema that is no place for them, and from a folder that is not there', async () => {
    await using world = await openWorld({ '0001_create_orders.sql': createOrders })
    for (const schema of ['belfry', 'pg_own', '', 'x'.repeat(64)])
      await expect(world.start({ schema }), schema).rejects.toMatchObject({ code: 'host_tables_invalid' })
    await expect(world.start({ migrations: join(world.folder, 'elsewhere') })).rejects.toMatchObject({
      code: 'host_tables_invalid',
      message: expect.stringMatching(/elsewhere \(ENOENT\)/),
    })
  })

  it('are left alone where the program is older than they are, or a step was edited', async () => {
    await using world = await openWorld({
      '0001_create_orders.sql': createOrders,
      '0002_add_tables.sql': 'alter table orders add at_table integer',
    })
    await (await world.start()).stop()
    world.write('0001_create_orders.sql', `${createOrders} select 1`)
    await expect(world.start()).rejects.toMatchObject({ code: 'schema_changed' })
    world.write('0001_create_orders.sql', createOrders)
    rmSync(join(world.folder, '0002_add_tables.sql'))
    await expect(world.start()).rejects.toMatchObject({
      code: 'schema_newer',
      message: expect.stringMatching(/schema "shop" belong to a newer version of your program/),
    })
  })

  it('are in backups, and come back only into tables of the same version', async () => {
    await using world = await openWorld({ '0001_create_orders.sql': createOrders })
    const belfry = await world.start()
    await belfry.query(sql`insert into shop.orders (dish) values ('soup'), ('bread')`)
    const connection = { url: world.database.url, schema: 'belfry' }
    const furtherSchemas = await listHostSchemas(connection)
    expect(furtherSchemas).toEqual(['shop'])
    // Of another Belfry in the same database.
    expect(await listHostSchemas({ ...connection, schema: 'other' })).toEqual([])
    const pieces: Buffer[] = []
    const output = new Writable({
      write(piece, _, done) {
        pieces.push(piece)
        done()
      },
    })
    await writeBackup(connection, output, { belfryVersion: '0.1.0', furtherSchemas })
    await belfry.query(sql`delete from shop.orders`)
    await belfry.stop()
    const restore = (into = connection) =>
      readBackup(into, Readable.from([Buffer.concat(pieces)]), { modules: schemaModules, replace: true })
    await restore()
    world.write('0002_add_index.sql', 'create index on orders (dish)')
    const newer = await world.start()
    expect(await newer.query(sql`select dish from shop.orders order by id`)).toEqual([
      { dish: 'soup' },
      { dish: 'bread' },
    ])
    await newer.query(sql`delete from shop.orders where dish = 'soup'`)
    await newer.stop()
    await expect(restore()).rejects.toMatchObject({
      code: 'backup_target_not_empty',
      message: expect.stringMatching(/schema "shop" went through other migrations/),
    })
    expect(await world.database.sql('select dish from shop.orders')).toEqual([{ dish: 'bread' }])
    // As many steps, and other ones.
    await using other = await openWorld({
      '0001_create_orders.sql': `${createOrders} create index on orders (dish);`,
    })
    await (await other.start()).stop()
    await expect(restore({ ...connection, url: other.database.url })).rejects.toMatchObject({
      code: 'backup_target_not_empty',
    })
  })
})

describe('the server of the host', () => {
  it('serves sockets beside its own, and finishes what runs before the database goes', async () => {
    await using world = await openWorld({ '0001_create_orders.sql': createOrders })
    const waiting: ServerResponse[] = []
    const httpServer = createServer((request, response) => {
      if (request.url === '/slow') waiting.push(response)
      else response.end('own')
    })
    httpServer.on('upgrade', ({ url }, socket) => {
      if (url === '/own') socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n')
    })
    // Longer than this test may take: whoever waits for nothing is not waited for.
    const belfry = await world.start({}, { httpServer }, { DRAIN_SECONDS: '600' })
    const url = await listening(httpServer)
    expect(await (await fetch(url)).text()).toBe('own')
    const handshake = await fetch(`${url}/socket.io/?EIO=4&transport=polling`)
    expect(await handshake.text()).toContain('"sid"')
    // One that never says a word, and one that the program upgraded for itself: Node's own `close` forgets such.
    const others = [1, 2].map(() => connect(Number(new URL(url).port), '127.0.0.1'))
    const othersEnded = Promise.all(others.map((socket) => once(socket, 'close')))
    const upgraded = others.at(-1)
    upgraded?.write('GET /own HTTP/1.1\r\nHost: own\r\nConnection: Upgrade\r\nUpgrade: own\r\n\r\n')
    const [head] = await once(upgraded as Socket, 'data')
    expect(String(head)).toMatch(/^HTTP\/1.1 101 /)
    const slow = fetch(`${url}/slow`).then((response) => response.text())
    await until(() => waiting.length === 1)
    const stopped = belfry.stop()
    await othersEnded
    await expect(fetch(url)).rejects.toThrow()
    const [row] = await belfry.query(sql<{ n: number }>`select 1 as n`)
    waiting[0]?.end(`row ${row?.n}`)
    expect(await slow).toBe('row 1')
    await stopped
    expect(httpServer.listening).toBe(false)
  })

  it('is cut when it takes longer than DRAIN_SECONDS, also what came before Belfry', async () => {
    await using world = await openWorld({ '0001_create_orders.sql': createOrders })
    let requests = 0
    const httpServer = createServer(() => {
      requests += 1
    })
    const url = await listening(httpServer)
    const before = fetch(`${url}/hangs`)
    before.catch(() => undefined)
    await until(() => requests === 1)
    const belfry = await world.start({}, { httpServer }, { DRAIN_SECONDS: '0' })
    const after = fetch(`${url}/hangs`)
    after.catch(() => undefined)
    await until(() => requests === 2)
    const { port, hostname } = new URL(belfry.address)
    const half = connect(Number(port), hostname)
    half.on('error', () => undefined)
    half.write('POST /api/v1/access/session HTTP/1.1\r\nHost: own\r\nContent-Length: 9\r\n')
    half.write('Content-Type: application/json\r\n\r\n{')
    // Its request runs when another one, asked later, was answered.
    expect((await fetch(`${belfry.address}/healthz`)).status).toBe(200)
    const halfEnded = once(half, 'close')
    await belfry.stop()
    await halfEnded
    await expect(before).rejects.toThrow()
    await expect(after).rejects.toThrow()
    expect(httpServer.listening).toBe(false)
  })

  it('goes on as it was when the start fails', async () => {
    await using world = await openWorld({ '0001_create_orders.sql': createOrders })
    const httpServer = createServer((_request, response) => response.end('own'))
    const url = await listening(httpServer)
    const { port } = httpServer.address() as AddressInfo
    await expect(world.start({}, { httpServer }, { PORT: String(port) })).rejects.toMatchObject({
      code: 'port_in_use',
    })
    expect(await (await fetch(`${url}/socket.io/?EIO=4&transport=polling`)).text()).toBe('own')
    httpServer.close()
    httpServer.closeAllConnections()
  })
})

describe('tokens of the host', () => {
  it('are what the sockets accept, for as long as is said', async () => {
    await using world = await openWorld({ '0001_create_orders.sql': createOrders })
    const settings = { JWT_AUDIENCE: 'shop', JWT_ISSUER: 'us', JWT_EXPIRES_IN: '120' }
    const belfry = await world.start({}, {}, settings)
    const claims = { sub: 'ana', workspaces: ['acme'] }
    const ana = await belfry.sockets.authenticate(belfry.issueToken(claims))
    expect(ana).toMatchObject({ userId: 'ana', workspaces: ['acme'] })
    expect(Number(ana.expiresAtMs) - Number(ana.issuedAtMs)).toBe(120_000)
    const short = await belfry.sockets.authenticate(belfry.issueToken(claims, { expiresInSeconds: 5 }))
    expect(Number(short.expiresAtMs) - Number(short.issuedAtMs)).toBe(5_000)
    expect(() => belfry.issueToken({ sub: '' })).toThrow(expect.objectContaining({ code: 'token_invalid' }))
    await belfry.stop()
  })
})

async function openWorld(files: Record<string, string>) {
  const database = await testDatabase(inject('postgresUrl'))
  const folder = mkdtempSync(join(tmpdir(), 'belfry-host-'))
  const dataDirectory = mkdtempSync(join(tmpdir(), 'belfry-host-data-'))
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  for (const [name, text] of Object.entries(files)) write(name, text)
  return {
    database,
    folder,
    write,
    start(
      tables: Partial<BelfryOptions['tables']> = {},
      options: Partial<BelfryOptions> = {},
      settings: Record<string, string> = {},
    ): Promise<Belfry> {
      return startBelfry({
        loaded: loadSettings({
          DATABASE_URL: database.url,
          BELFRY_DATA_DIR: dataDirectory,
          PORT: '0',
          MAX_SOCKET_CONNECTIONS: '100',
          ...settings,
        }),
        logger: silentLogger,
        tables: { schema: 'shop', migrations: folder, ...tables },
        ...options,
      })
    },
    async [Symbol.asyncDispose]() {
      for (const path of [folder, dataDirectory]) rmSync(path, { recursive: true, force: true })
      await database[Symbol.asyncDispose]()
    },
  }
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
