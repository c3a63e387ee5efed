/**
 * To the page before and after. A button at the end of its way stays in its place and says so: the focus of somebody
 * who pages with the keyboard must not fall off.
 */
import { ChevronLeft, ChevronRight } from 'lucide-react'
import { IconButton } from './Button.tsx'
import './pager.css'

interface PagerProps {
  /** What is paged through: "connections". */
  readonly of: string
  readonly onPrevious: (() => void) | undefined
  readonly onNext: (() => void) | undefined
}

export function Pager({ of, onPrevious, onNext }: PagerProps) {
  return (
    <span className="pager">
      <IconButton
        label={`Previous page of ${of}`}
        icon={<ChevronLeft size="1.0625rem" aria-hidden="true" />}
        aria-disabled={onPrevious === undefined}
        onClick={onPrevious}
      />
      <IconButton
        label={`Next page of ${of}`}
        icon={<ChevronRight size="1.0625rem" aria-hidden="true" />}
        aria-disabled={onNext === undefined}
        onClick={onNext}
      />
    </span>
  )
}
