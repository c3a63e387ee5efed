import { createServer } from 'node:http'
import { Refusal } from '@belfry/contract'
import { loadSettings, type SessionView, type Statement, serveNamespace, sql, startBelfry } from 'belfry'
import express from 'express'
import { type Item, shopping } from './contract.ts'

const app = express()
const http = createServer(app)
const belfry = await startBelfry({
  loaded: loadSettings({ BELFRY_DATA_DIR: 'data', ...process.env }),
  httpServer: http,
  tables: { schema: 'shopping', migrations: new URL('./migrations/', import.meta.url) },
  namespaces: [
    serveNamespace(shopping, {
      commands: {
        'list:read': (_, { session }) => readList(householdOf(session)),
        'item:add': ({ name }, { session }) => addItem(householdOf(session), name),
        'item:buy': ({ id, bought }, { session }) => buyItem(householdOf(session), id, bought),
      },
    }),
  ],
})

app.use(express.static('dist'))
// Your own sign-in goes here: a token says who somebody is, and to which households they belong.
app.get('/token', (_request, response) => {
  response.send(belfry.issueToken({ sub: 'guest', workspaces: ['home'] }))
})

function householdOf({ principal }: SessionView): string {
  const [household] = principal.workspaces
  if (household === undefined) throw new Refusal('forbidden', 'You belong to no household.')
  return household
}

async function readList(household: string): Promise<{ items: Item[] }> {
  const items = await belfry.query(sql<Item>`
    select id, name, bought, version from shopping.items where household = ${household} order by id desc limit 200`)
  return { items }
}

function addItem(household: string, name: string): Promise<void> {
  return save(
    household,
    sql<Item>`
      insert into shopping.items (household, name) values (${household}, ${name})
      returning id, name, bought, version`,
  )
}

function buyItem(household: string, id: number, bought: boolean): Promise<void> {
  return save(
    household,
    sql<Item>`
      update shopping.items set bought = ${bought}, version = version + 1 where household = ${household} and id = ${id}
      returning id, name, bought, version`,
  )
}

/** What is written and what is told belong together: both, or neither. */
function save(household: string, statement: Statement<Item>): Promise<void> {
  return belfry.transaction(async (transaction) => {
    const [item] = await transaction.query(statement)
    if (item === undefined) throw new Refusal('not_found', 'This is not on your list.')
    await transaction.publish(shopping, 'item:saved', item, { rooms: [{ kind: 'workspace', id: household }] })
  })
}

const port = Number(process.env['APP_PORT'] ?? 8080)
http.listen(port, '127.0.0.1', () => console.log(`http://localhost:${port}`))
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => belfry.stop())
