/**
 * Pages by address, on the browser's own history. Links are real links: they open in new tabs, can be copied and work
 * with the middle button.
 */
import type { AnchorHTMLAttributes, MouseEvent } from 'react'
import { createStore, useStore } from './data/store.ts'

export interface Place {
  readonly path: string
  /** Without the question mark; filters live here. */
  readonly query: string
  /** Without the hash sign. */
  readonly fragment: string
}

const place = createStore<Place>(readPlace())

/** How often the path changed since the page was loaded: a heading takes the focus only after the first change. */
let pathChanges = 0

export function usePlace(): Place {
  return useStore(place)
}

export function hasNavigated(): boolean {
  return pathChanges > 0
}

export function navigate(href: string, options: { replace?: boolean } = {}): void {
  const before = place.get().path
  if (options.replace === true) history.replaceState(null, '', href)
  else history.pushState(null, '', href)
  followAddress()
  if (place.get().path !== before && place.get().fragment === '') scrollTo(0, 0)
}

/** One value of the query, and how to change it without leaving the page or filling the history. */
export function useQuery(name: string): readonly [string, (next: string) => void] {
  const { query } = usePlace()
  const value = new URLSearchParams(query).get(name) ?? ''
  return [value, (next) => setQuery(name, next)]
}

export function Link({ href, onClick, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
  const open = (event: MouseEvent<HTMLAnchorElement>): void => {
    onClick?.(event)
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey
    if (!plain || event.defaultPrevented) return
    event.preventDefault()
    navigate(href)
  }
  return <a href={href} onClick={open} {...rest} />
}

function setQuery(name: string, next: string): void {
  const current = place.get()
  const query = new URLSearchParams(current.query)
  if (next === '') query.delete(name)
  else query.set(name, next)
  const text = query.toString()
  navigate(`${current.path}${text === '' ? '' : `?${text}`}${location.hash}`, { replace: true })
}

function followAddress(): void {
  const next = readPlace()
  if (next.path !== place.get().path) pathChanges += 1
  place.set(next)
}

function readPlace(): Place {
  const path = location.pathname.length > 1 ? location.pathname.replace(/\/+$/, '') : location.pathname
  return {
    path: path === '' ? '/' : path,
    query: location.search.slice(1),
    fragment: decodeFragment(location.hash.slice(1)),
  }
}

function decodeFragment(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

addEventListener('popstate', followAddress)
addEventListener('hashchange', followAddress)
