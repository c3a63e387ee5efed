/**
 * Keys that work anywhere on a page. Single letters can get in the way of speech input and of assistive software, so they
 * can be switched off (WCAG 2.1.4); the choice is stored.
 */
import { useEffect, useRef } from 'react'
import { paused, setPaused } from '../data/live.ts'
import { session } from '../data/session.ts'
import { createStore } from '../data/store.ts'
import { navigate } from '../router.tsx'
import { operatorEntries, referenceEntries } from './navigation.ts'

const key = 'belfry.shortcuts'

export const shortcutsOn = createStore(readChoice())

export function switchShortcuts(on: boolean): void {
  shortcutsOn.set(on)
  try {
    localStorage.setItem(key, on ? 'on' : 'off')
  } catch {
    // Storage is switched off: the choice lasts as long as the page.
  }
}

/** How long the second key of `g o` may take. */
const sequenceMs = 1_500

export function useShortcuts(openSheet: () => void): void {
  const lead = useRef(Number.NEGATIVE_INFINITY)
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (!shortcutsOn.get() || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented)
        return
      if (isTyping(event.target) || document.querySelector('dialog[open], [role="menu"]') !== null) return
      const second = event.timeStamp - lead.current < sequenceMs
      lead.current = Number.NEGATIVE_INFINITY
      if (second) {
        const entries =
          session.get().state === 'signed-in' ? [...operatorEntries, ...referenceEntries] : referenceEntries
        const entry = entries.find((candidate) => candidate.key === event.key)
        if (entry === undefined) return
        event.preventDefault()
        navigate(entry.href)
      } else if (event.key === 'g') {
        lead.current = event.timeStamp
      } else if (event.key === 'p') {
        setPaused(!paused.get())
      } else if (event.key === '?') {
        event.preventDefault()
        openSheet()
      } else if (event.key === '/') {
        const search = document.querySelector<HTMLInputElement>('[data-page-search]')
        if (search === null) return
        event.preventDefault()
        search.focus()
        search.select()
      }
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [openSheet])
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target instanceof HTMLInputElement) return target.type !== 'radio' && target.type !== 'range'
  return (
    target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
  )
}

function readChoice(): boolean {
  try {
    return localStorage.getItem(key) !== 'off'
  } catch {
    return true
  }
}
