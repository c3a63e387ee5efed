import { expect, it } from 'vitest'
import { browserPage } from './page.ts'

it('tells of a page that is shown, goes away and comes back, until nobody wants to know', () => {
  const window = new EventTarget()
  const document = Object.assign(new EventTarget(), { visibilityState: 'hidden' })
  const page = browserPage(window as Window, document as unknown as Document)
  const changes: string[] = []
  const end = page.watch((change) => changes.push(change))
  document.dispatchEvent(new Event('visibilitychange'))
  expect([page.isVisible, changes]).toEqual([false, []])
  document.visibilityState = 'visible'
  document.dispatchEvent(new Event('visibilitychange'))
  expect([page.isVisible, changes]).toEqual([true, ['shown']])
  for (const event of ['pagehide', 'pageshow']) window.dispatchEvent(new Event(event))
  for (const event of ['freeze', 'resume']) document.dispatchEvent(new Event(event))
  expect(changes).toEqual(['shown', 'away', 'back', 'away', 'back'])
  end()
  window.dispatchEvent(new Event('pagehide'))
  expect(changes).toHaveLength(5)
})
