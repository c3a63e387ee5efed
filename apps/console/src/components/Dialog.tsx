/**
 * A window above the page. The browser's own `<dialog>`: it traps the focus, closes with Escape, makes the page behind it
 * inert and gives the focus back. Radix's would need an inline style element, which the policy forbids.
 */
import { X } from 'lucide-react'
import { type ReactNode, useId, useLayoutEffect, useRef } from 'react'
import { Button } from './Button.tsx'
import './dialog.css'

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ReactNode
}

/** Open for as long as it is rendered. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null)
  const id = useId()
  // Before it is drawn away: a dialog that is gone cannot give the focus back.
  useLayoutEffect(() => {
    const dialog = ref.current
    dialog?.showModal()
    return () => dialog?.close()
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click beside the dialog closes it; the keyboard has Escape
    <dialog
      ref={ref}
      className="dialog"
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => {
        if (event.target === ref.current) onClose()
      }}
    >
      <div className="dialog-sheet">
        <header>
          <h2 id={id}>{title}</h2>
          {/* Without a hint: hints are drawn below the window, which lies above everything. */}
          <Button
            look="quiet"
            className="button-icon"
            aria-label="Close"
            icon={<X size="1.125rem" aria-hidden="true" />}
            onClick={onClose}
          />
        </header>
        {children}
      </div>
    </dialog>
  )
}
