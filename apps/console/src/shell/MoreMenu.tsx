/** On a narrow screen: the pages for which the bar has no room. */
import { Ellipsis } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { useRef } from 'react'
import { Link, usePlace } from '../router.tsx'
import type { Entry } from './navigation.ts'

export function MoreMenu({ entries }: { entries: readonly Entry[] }) {
  const { path } = usePlace()
  const here = entries.find((entry) => entry.href === path)
  const isLeaving = useRef(false)
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="tower-link" data-here={here !== undefined}>
        <Ellipsis size="1.1875rem" strokeWidth={1.8} aria-hidden="true" />
        <span>More</span>
        <span className="visually-hidden"> pages{here !== undefined && `, ${here.title} is shown`}</span>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          className="menu"
          side="top"
          align="end"
          sideOffset={8}
          collisionPadding={12}
          onCloseAutoFocus={(event) => {
            // The heading of the page that was chosen takes the focus.
            if (isLeaving.current) event.preventDefault()
            isLeaving.current = false
          }}
        >
          {entries.map(({ href, title, icon: Icon }) => (
            <DropdownMenu.Item key={href} asChild>
              <Link
                className="menu-item menu-link"
                href={href}
                aria-current={path === href ? 'page' : undefined}
                onClick={() => {
                  isLeaving.current = path !== href
                }}
              >
                <Icon size="1.0625rem" strokeWidth={1.8} aria-hidden="true" />
                {title}
              </Link>
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}
