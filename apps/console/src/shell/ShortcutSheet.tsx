/** What the keyboard can do here, and the switch that turns it off. */
import { Dialog } from '../components/Dialog.tsx'
import { Kbd } from '../components/Kbd.tsx'
import { useStore } from '../data/store.ts'
import { operatorEntries, referenceEntries } from './navigation.ts'
import { shortcutsOn, switchShortcuts } from './shortcuts.ts'

export function ShortcutSheet({ signedIn, onClose }: { signedIn: boolean; onClose: () => void }) {
  const on = useStore(shortcutsOn)
  const entries = signedIn ? [...operatorEntries, ...referenceEntries] : referenceEntries
  const rows: readonly { keys: readonly string[]; does: string }[] = [
    ...entries.map((entry) => ({ keys: ['g', entry.key], does: `Go to ${entry.title}` })),
    ...(signedIn
      ? [
          { keys: ['p'], does: 'Pause or resume live values' },
          { keys: ['Ctrl', 'Enter'], does: 'Publish or send, on the pages for it' },
        ]
      : []),
    { keys: ['/'], does: 'Search on this page' },
    { keys: ['?'], does: 'Show this sheet' },
    { keys: ['Esc'], does: 'Close a menu or a window' },
  ]
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <dl className="shortcut-list">
        {rows.map((row) => (
          <div key={row.does}>
            <dt>{row.does}</dt>
            <dd>
              {row.keys.map((name) => (
                <Kbd key={name}>{name}</Kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <label className="shortcut-switch">
        <input type="checkbox" checked={on} onChange={(event) => switchShortcuts(event.target.checked)} />
        <span>Listen to single keys. Switch this off if you use speech input.</span>
      </label>
    </Dialog>
  )
}
