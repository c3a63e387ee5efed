/** Who is signed in, and what concerns only them: theme, shortcuts, sign-out. */
import { CircleUserRound, Keyboard, LogOut } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { failureFrom } from '../data/api.ts'
import { session, signOut } from '../data/session.ts'
import { useStore } from '../data/store.ts'
import { toast } from '../data/toasts.ts'
import { chooseTheme, type ThemeChoice, themeChoice } from '../design/theme.ts'
import { dateTime } from '../format.ts'
import './account-menu.css'

const themes: readonly { value: ThemeChoice; text: string }[] = [
  { value: 'system', text: 'As the system' },
  { value: 'light', text: 'Light' },
  { value: 'dark', text: 'Dark' },
]

export function AccountMenu({ onShortcuts }: { onShortcuts: () => void }) {
  const current = useStore(session)
  const theme = useStore(themeChoice)
  const view = current.state === 'signed-in' ? current.session : undefined

  const leave = (): void => {
    signOut().catch((thrown: unknown) => toast(`Not signed out. ${failureFrom(thrown).sentence}`))
  }
  return (
    // Not modal: the modal one would need an inline style element, which the policy forbids.
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="account-trigger">
        <CircleUserRound size="1.25rem" aria-hidden="true" />
        <span className="account-name">
          <bdi>{view?.name ?? 'Display'}</bdi>
        </span>
        <span className="visually-hidden">, menu</span>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" side="top" align="start" sideOffset={8} collisionPadding={12}>
          {view !== undefined && (
            <div className="menu-head">
              <strong>
                <bdi>{view.name}</bdi>
              </strong>
              <span>{view.roles.join(', ')}</span>
              <span>Signed in until {dateTime(view.expiresAt)}</span>
            </div>
          )}
          <DropdownMenu.Label className="menu-label">Theme</DropdownMenu.Label>
          <DropdownMenu.RadioGroup value={theme} onValueChange={(next) => chooseTheme(next as ThemeChoice)}>
            {themes.map((option) => (
              <DropdownMenu.RadioItem
                key={option.value}
                value={option.value}
                className="menu-item"
                // The choice is seen at once; the menu stays for comparing.
                onSelect={(event) => event.preventDefault()}
              >
                <span className="menu-radio" aria-hidden="true" />
                {option.text}
              </DropdownMenu.RadioItem>
            ))}
          </DropdownMenu.RadioGroup>
          <DropdownMenu.Separator className="menu-line" />
          <DropdownMenu.Item className="menu-item" onSelect={onShortcuts}>
            <Keyboard size="1rem" aria-hidden="true" />
            Keyboard shortcuts
          </DropdownMenu.Item>
          {view !== undefined && (
            <DropdownMenu.Item className="menu-item" onSelect={leave}>
              <LogOut size="1rem" aria-hidden="true" />
              Sign out
            </DropdownMenu.Item>
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}
