/** What is decided without a page: where links lead, what pops up, how times are told. */
import type { Notification } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import { exactTime, relativeTime } from './relative-time.ts'
import { safeLink } from './safe-href.ts'
import { stillNews, toastsMax, withToast } from './toast-queue.ts'

describe('a link', () => {
  const page = 'https://app.example.com/inbox?x=1'

  it.each([
    ['https://other.example.com/a', 'https://other.example.com/a', true],
    ['http://app.example.com/', 'http://app.example.com/', true],
    ['https://app.example.com/posts/17', 'https://app.example.com/posts/17', false],
    ['/posts/17', 'https://app.example.com/posts/17', false],
    ['posts', 'https://app.example.com/posts', false],
    ['//other.example.com/a', 'https://other.example.com/a', true],
  ])('%s is followed', (url, href, isElsewhere) => {
    expect(safeLink(url, page)).toEqual({ href, isElsewhere })
  })

  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    ' javascript:alert(1)',
    'java\nscript:alert(1)',
    '\u0001javascript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'blob:https://app.example.com/1',
    'file:///etc/passwd',
    'https://',
    undefined,
  ])('%j is none', (url) => {
    expect(safeLink(url, page)).toBeUndefined()
  })

  it('is none where the page itself has no address', () => {
    expect(safeLink('/posts', 'about:blank')).toBeUndefined()
    expect(safeLink('posts', 'file:///index.html')).toBeUndefined()
  })
})

describe('a time', () => {
  const now = Date.UTC(2030, 5, 15, 12)
  const told = (agoMs: number, locale = 'en-GB') =>
    relativeTime(now - agoMs, now, { locale, justNow: 'just now' })
  const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]

  it.each([
    [0, 'just now'],
    // The clock of the server is ahead.
    [-5 * minute, 'just now'],
    [minute - 1, 'just now'],
    [minute, '1 min ago'],
    [hour - 1, '59 min ago'],
    [hour, '1 hr ago'],
    [day - 1, '23 hr ago'],
    [day, '1 day ago'],
    [7 * day - 1, '6 days ago'],
    [7 * day, '8 Jun'],
    [200 * day, '27 Nov 2029'],
  ])('%i ms ago', (agoMs, text) => {
    expect(told(agoMs)).toBe(text)
  })

  it('is told in the language of the application', () => {
    expect(told(3 * hour, 'de')).toBe('vor 3 Std.')
    expect(exactTime(now, 'de')).toMatch(/^15\. Juni 2030 um /)
  })
})

describe('toasts', () => {
  const one = (id: string, priority: Notification['priority'] = 'normal', readAt: string | null = null) =>
    ({ id, priority, readAt }) as Notification
  const ids = (toasts: readonly Notification[]) => toasts.map(({ id }) => id).join('')
  const shown = (...notifications: readonly Notification[]) => ids(notifications.reduce(withToast, []))

  it('are three at most: the oldest goes, and critical ones last', () => {
    expect(toastsMax).toBe(3)
    expect(shown(one('a'), one('b'), one('c'))).toBe('abc')
    expect(shown(one('a'), one('b'), one('c'), one('d'))).toBe('bcd')
    expect(shown(one('a', 'critical'), one('b'), one('c'), one('d'))).toBe('acd')
    expect(shown(...['a', 'b', 'c', 'd'].map((id) => one(id, 'critical')))).toBe('bcd')
    expect(shown(...['a', 'b', 'c'].map((id) => one(id, 'critical')), one('d'))).toBe('abc')
  })

  it('show each once', () => {
    expect(shown(one('a'), one('b'), one('a'))).toBe('ba')
  })

  it('go when what they tell was read or removed', () => {
    const items = [one('a'), one('b', 'normal', '2030-01-01T00:00:00.000Z')]
    expect(ids(stillNews([one('a'), one('b'), one('c')], items))).toBe('a')
  })
})
