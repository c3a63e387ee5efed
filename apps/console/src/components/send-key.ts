/** Ctrl and Enter send what a page has to send, from wherever one is on it. */
import { useEffect, useEffectEvent } from 'react'

export function useSendKey(send: () => void): void {
  const onPress = useEffectEvent((press: KeyboardEvent): void => {
    if (press.key !== 'Enter' || !(press.ctrlKey || press.metaKey) || press.repeat) return
    if (document.querySelector('dialog[open], [role="menu"]') !== null) return
    press.preventDefault()
    send()
  })
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => onPress(event)
    document.addEventListener('keydown', listen)
    return () => document.removeEventListener('keydown', listen)
  }, [])
}
