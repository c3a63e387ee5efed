import { BelfryProvider, ConnectionStatus, useCommand, useEvent, useNamespace } from '@belfry/react'
import '@belfry/react/styles.css'
import { type FormEvent, StrictMode, useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { type Item, shopping } from './contract.ts'

function ShoppingList() {
  const { status } = useNamespace(shopping)
  const { run: read, data } = useCommand(shopping, 'list:read')
  const add = useCommand(shopping, 'item:add')
  const buy = useCommand(shopping, 'item:buy')
  const [saved, setSaved] = useState<readonly Item[]>([])

  useEvent(shopping, 'item:saved', (item) => setSaved((before) => newest([...before, item])))
  // Whenever it opens: at first, and after a cut, since what was missed stands in the table.
  useEffect(() => {
    if (status === 'open') read()
  }, [status, read])

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = event.currentTarget
    const name = String(new FormData(form).get('name'))
    add.run({ name }, once()).then(() => form.reset(), ignore)
  }

  return (
    <main>
      <h1>Shopping list</h1>
      <ConnectionStatus />
      <form onSubmit={submit}>
        <input name="name" aria-label="What to buy" />
        <button type="submit">Add</button>
      </form>
      <p role="alert">{(add.error ?? buy.error)?.message}</p>
      <ul>
        {newest([...(data?.items ?? []), ...saved]).map(({ id, name, bought }) => (
          <li key={id}>
            <label>
              <input
                type="checkbox"
                checked={bought}
                onChange={() => buy.run({ id, bought: !bought }, once())}
              />
              {name}
            </label>
          </li>
        ))}
      </ul>
    </main>
  )
}

/** With a key, what is asked for while the line is cut is done when it is back. */
const once = () => ({ key: crypto.randomUUID() })
/** A failure is shown from `error`. */
const ignore = () => undefined

/** What comes twice or late does no harm: of each item, the newest version counts. */
function newest(items: readonly Item[]): Item[] {
  const byId = new Map<number, Item>()
  for (const item of items) if (item.version > (byId.get(item.id)?.version ?? 0)) byId.set(item.id, item)
  return [...byId.values()].sort((one, other) => other.id - one.id)
}

const root = document.getElementById('root')
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <BelfryProvider token={async () => (await fetch('/token')).text()}>
        <ShoppingList />
      </BelfryProvider>
    </StrictMode>,
  )
