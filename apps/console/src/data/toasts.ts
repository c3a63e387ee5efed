/** Short news that needs no answer: shown for a few seconds and announced politely. */
import { createStore } from './store.ts'

export interface Toast {
  readonly id: number
  readonly text: string
}

/** Long enough to read twice; hovering or focusing a toast is not needed, nothing in it can be lost. */
const shownMs = 6_000
/** More at once is noise; the oldest goes. */
const shownAtOnce = 3

export const toasts = createStore<readonly Toast[]>([])

let lastId = 0

export function toast(text: string): void {
  lastId += 1
  const id = lastId
  toasts.set([...toasts.get(), { id, text }].slice(-shownAtOnce))
  setTimeout(() => dismiss(id), shownMs)
}

export function dismiss(id: number): void {
  toasts.set(toasts.get().filter((entry) => entry.id !== id))
}
