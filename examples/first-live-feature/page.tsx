import { createClient } from '@belfry/client'
import { type FormEvent, StrictMode, useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { type Item, shopping } from './contract.ts'

const client = createClient({ token: async () => (await fetch('/token')).text() })
const live = client.namespace(shopping)

function ShoppingList() {
  const [items, setItems] = useState<ReadonlyMap<number, Item>>(new Map())
  const [problem, setProblem] = useState('')
  const run = (command: Promise<unknown>) =>
    command.then(
      () => setProblem(''),
      (error: Error) => setProblem(error.message),
    )

  useEffect(() => {
    const show = (saved: readonly Item[]) => setItems((shown) => newest(shown, saved))
    const read = () => {
      if (live.state.get().status === 'open')
        live.command('list:read').then(
          ({ items }) => show(items),
          (error: Error) => setProblem(error.message),
        )
    }
    // Whenever it opens: at first, and after a cut, since what was missed stands in the table.
    const stopReading = live.state.subscribe(read)
    live.on('item:saved', (item) => show([item]))
    read()
    return () => {
      stopReading()
      live.close()
    }
  }, [])

  function add(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = event.currentTarget
    const name = String(new FormData(form).get('name'))
    run(live.command('item:add', { name }, once()).then(() => form.reset()))
  }

  return (
    <main>
      <h1>Shopping list</h1>
      <form onSubmit={add}>
        <input name="name" aria-label="What to buy" />
        <button type="submit">Add</button>
      </form>
      <p role="status">{problem}</p>
      <ul>
        {[...items.values()].map(({ id, name, bought }) => (
          <li key={id}>
            <label>
              <input
                type="checkbox"
                checked={bought}
                onChange={() => run(live.command('item:buy', { id, bought: !bought }, once()))}
              />
              {name}
            </label>
          </li>
        ))}
      </ul>
    </main>
  )
}

/** With a key, what is asked for while the server is away is done when it is back, and not twice. */
const once = () => ({ key: crypto.randomUUID() })

/** What comes twice or late does no harm: of each item, the newest version counts. */
function newest(shown: ReadonlyMap<number, Item>, saved: readonly Item[]): ReadonlyMap<number, Item> {
  const items = new Map(shown)
  for (const item of saved) if (item.version > (items.get(item.id)?.version ?? 0)) items.set(item.id, item)
  return new Map([...items].sort(([one], [other]) => other - one))
}

const root = document.getElementById('root')
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <ShoppingList />
    </StrictMode>,
  )
