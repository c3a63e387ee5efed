/** Copies a text and says so. Where the browser forbids copying (plain http on a network), it says that instead. */
import { Check, Copy, TriangleAlert } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Button, IconButton } from './Button.tsx'

interface CopyButtonProps {
  readonly text: string
  readonly label: string
  /** With its label written out, instead of the icon alone. */
  readonly wide?: boolean
}

const shownMs = 2_000
const outcomes = { copied: 'Copied', failed: 'Copying is not allowed here: select the text instead' } as const

export function CopyButton({ text, label, wide = false }: CopyButtonProps) {
  const [outcome, setOutcome] = useState<keyof typeof outcomes>()
  useEffect(() => {
    if (outcome === undefined) return
    const timer = setTimeout(() => setOutcome(undefined), shownMs)
    return () => clearTimeout(timer)
  }, [outcome])

  const copy = (): void => {
    // Absent on plain http under any name but localhost.
    const clipboard: Clipboard | undefined = navigator.clipboard
    if (clipboard === undefined) {
      setOutcome('failed')
      return
    }
    clipboard.writeText(text).then(
      () => setOutcome('copied'),
      () => setOutcome('failed'),
    )
  }
  const Icon = outcome === undefined ? Copy : outcome === 'copied' ? Check : TriangleAlert
  const icon = <Icon size="0.9375rem" aria-hidden="true" />
  return (
    <>
      {wide ? (
        <Button look="plain" icon={icon} onClick={copy}>
          {outcome === 'copied' ? outcomes.copied : label}
        </Button>
      ) : (
        <IconButton label={outcome === undefined ? label : outcomes[outcome]} icon={icon} onClick={copy} />
      )}
      <output className="visually-hidden">{outcome === undefined ? '' : outcomes[outcome]}</output>
    </>
  )
}
