/** A few words beside a control while it is pointed at or focused. Never the only place something is said. */
import { Tooltip } from 'radix-ui'
import type { ReactElement } from 'react'
import './hint.css'

export const HintProvider = Tooltip.Provider

export function Hint({ text, children }: { text: string; children: ReactElement }) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content className="hint" sideOffset={6} collisionPadding={8}>
          {text}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  )
}
