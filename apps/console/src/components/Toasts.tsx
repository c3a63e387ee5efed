/** Where toasts appear. The region is always there, so that what enters it is announced. */
import { X } from 'lucide-react'
import { useStore } from '../data/store.ts'
import { dismiss, toasts } from '../data/toasts.ts'
import { IconButton } from './Button.tsx'
import './toasts.css'

export function Toasts() {
  const shown = useStore(toasts)
  return (
    <output className="toasts" aria-live="polite">
      {shown.map((toast) => (
        <span key={toast.id} className="toast">
          {toast.text}
          <IconButton label="Dismiss" icon={<X size="1rem" />} onClick={() => dismiss(toast.id)} />
        </span>
      ))}
    </output>
  )
}
