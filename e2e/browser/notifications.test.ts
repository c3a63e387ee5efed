/** Notifications in the console: from the composer to a client, into the inbox, and back as what became of it. */
import { createClient, createNotifications, type Notifications } from '@belfry/client'
import type { BrowserContextOptions, Page, Route } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually, hasFocus, operatorPage, problem, shown } from './browser.ts'
import { readAll, sendNotification, userRequest } from './notification-requests.ts'
import { browser, product } from './world.ts'

it('one that is composed arrives, is in the inbox, and is seen to be read', async () => {
  const ana = openInbox('ana')
  await eventually(
    async () => ana.state.get().items,
    () => ana.state.get().unread === 0,
  )
  const { context, page, complaints } = await openComposer()
  await page.getByText('Connected now, with 1 session').waitFor({ state: 'detached' })
  await field(page, 'Id of the user').fill('ana')
  await page.getByText('Connected now, with 1 session').waitFor()
  await field(page, 'Title').fill('We are back at 18:00')
  await field(page, 'Message').fill('Thank you — спасибо')
  await field(page, 'Type').fill('maintenance')
  await field(page, 'Category').fill('system')
  await page.getByRole('combobox', { name: 'Priority' }).selectOption('critical')
  await field(page, 'Data').fill('{ "postId": "p 1" }')
  await page.getByRole('button', { name: 'Add an action' }).press('Enter')
  await hasFocus(field(page, 'Label'))
  await page.keyboard.type('Open it')
  await field(page, 'Word').fill('open')
  await field(page, 'Address').fill('https://app.example.com/p1')
  for (const text of ['We are back at 18:00', 'Thank you — спасибо', 'Open it', 'critical', 'system'])
    expect(await page.locator('.preview').first().textContent()).toContain(text)
  await page.keyboard.press('Control+Enter')
  await page.getByText('1 user got it').first().waitFor()
  await eventually(
    async () => ana.state.get().items,
    (items) => items.length === 1,
  )
  const [item] = ana.state.get().items
  expect(item).toMatchObject({
    title: 'We are back at 18:00',
    message: 'Thank you — спасибо',
    type: 'maintenance',
    category: 'system',
    priority: 'critical',
    data: { postId: 'p 1' },
    actions: [{ id: 'open', label: 'Open it', url: 'https://app.example.com/p1' }],
    expiresAt: null,
  })

  await page.getByRole('link', { name: /^See what becomes of it/ }).click()
  await row(page, 'ana').getByText('Unread').waitFor()
  await row(page, 'ana').getByText('1 session').waitFor()
  expect(await figure(page, 'Read it')).toBe('0')
  await ana.markRead(item?.id ?? '')
  await page.getByRole('button', { name: 'Refresh now' }).click()
  await row(page, 'ana')
    .locator('.badge', { hasText: /^Read$/ })
    .waitFor()
  await eventually(
    () => figure(page, 'Read it'),
    (text) => text === '1',
  )
  await row(page, 'ana').getByRole('link', { name: 'ana' }).click()
  await page.getByText('the rows say the same').waitFor()
  await row(page, 'We are back at 18:00')
    .locator('.badge', { hasText: /^Read$/ })
    .waitFor()
  expect(await figure(page, 'Unread, as told')).toBe('0')
  expect(complaints).toEqual([])
  await context.close()
})

describe('the composer', () => {
  it('sends to several users, and to a workspace', async () => {
    const { context, page } = await openComposer()
    await page.getByRole('radio', { name: 'Several' }).check()
    await field(page, 'Ids of the users').fill('bob\n\n  eve d, 2 \nbob')
    await write(page, 'Two of you')
    await page.getByRole('button', { name: 'Send to 3 users' }).click()
    await page.getByText('2 users got it').first().waitFor()
    for (const user of ['bob', 'eve d, 2']) expect(await readAll(product, user)).toBe(1)
    await page.getByRole('radio', { name: 'Workspace' }).check()
    await field(page, 'Id of the workspace').fill('nobody-here')
    await write(page, 'All of you')
    await page.getByRole('button', { name: 'Send to workspace nobody-here' }).click()
    await page.getByText('nobody was there to get it').first().waitFor()
    await context.close()
  })

  it('expires by the clock of the browser, and not in the past', async () => {
    const { context, page } = await openComposer({ timezoneId: 'Asia/Tokyo' })
    const sent = countSends(page)
    await field(page, 'Id of the user').fill('zoe')
    await write(page, 'Soon over')
    await field(page, 'Expires').fill('2020-01-01T10:00')
    await page.keyboard.press('Control+Enter')
    await page.getByText('This is over already.').waitFor()
    await hasFocus(field(page, 'Expires'))
    expect(sent.count).toBe(0)
    await field(page, 'Expires').fill('2040-01-01T10:00')
    const [request] = await Promise.all([
      page.waitForRequest((each) => each.method() === 'POST'),
      page.keyboard.press('Control+Enter'),
    ])
    expect(request.postDataJSON()).toMatchObject({ expiresAt: '2040-01-01T01:00:00.000Z' })
    await page.getByText('1 user got it').first().waitFor()
    await context.close()
  })

  it('says beside each field what the server says, and gives the first one the focus', async () => {
    const { context, page } = await openComposer()
    await page.getByRole('radio', { name: 'Several' }).check()
    await field(page, 'Ids of the users').fill(`good\n${'x'.repeat(200)}`)
    await page.getByRole('button', { name: 'Add an action' }).click()
    await field(page, 'Address').fill('nowhere')
    await page.keyboard.press('Control+Enter')
    await page.getByText('Nothing was sent: 6 fields are missing or wrong.').waitFor()
    await hasFocus(field(page, 'Ids of the users'))
    const said = async (name: string) => {
      const element = field(page, name)
      expect(await element.getAttribute('aria-invalid')).toBe('true')
      return element.evaluate((node) =>
        (node.getAttribute('aria-describedby') ?? '')
          .split(' ')
          .map((id) => document.getElementById(id)?.textContent)
          .join(' '),
      )
    }
    expect(await said('Ids of the users')).toContain('Line 2: Too big')
    for (const name of ['Title', 'Type', 'Label', 'Word']) expect(await said(name)).toContain('Too small')
    expect(await said('Address')).toContain('Invalid URL')
    await write(page, 'Now there is one')
    await page.getByText('Nothing was sent: 4 fields are missing or wrong.').waitFor()
    expect(await field(page, 'Title').getAttribute('aria-invalid')).toBe(null)
    await field(page, 'Ids of the users').fill(`${'x'.repeat(200)}\n`.repeat(5))
    await page.keyboard.press('Control+Enter')
    await page.locator('.field-error', { hasText: /^Line 1: .* Line 3: .* And 2 more\.$/ }).waitFor()
    await page.getByRole('button', { name: 'Remove action 1' }).click()
    await hasFocus(page.getByRole('button', { name: 'Add an action' }))
    await field(page, 'Ids of the users').fill('good')
    await page.getByText('Nothing was sent').waitFor({ state: 'detached' })
    await field(page, 'Data').fill('[1]')
    await page.keyboard.press('Control+Enter')
    await page.getByText('Data is an object: { … }.').waitFor()
    await field(page, 'Data').fill('{')
    await page.keyboard.press('Control+Enter')
    await page.getByText('This is no JSON yet.').waitFor()
    await field(page, 'Data').fill(JSON.stringify({ text: 'x'.repeat(9_000) }))
    await page.keyboard.press('Control+Enter')
    await page.locator('.field-error', { hasText: /has \d+ bytes with the actions/ }).waitFor()
    await context.close()
  })

  it('takes five actions and no more', async () => {
    const { context, page } = await openComposer()
    for (let count = 0; count < 5; count += 1)
      await page.getByRole('button', { name: 'Add an action' }).click()
    await page.getByRole('button', { name: 'There may be five actions' }).press('Enter')
    expect(await page.getByRole('group', { name: /^Action/ }).count()).toBe(5)
    await page.getByRole('group', { name: 'Action 3' }).getByRole('textbox', { name: 'Label' }).fill('third')
    await page.getByRole('button', { name: 'Remove action 2' }).click()
    expect(
      await page
        .getByRole('group', { name: 'Action 2' })
        .getByRole('textbox', { name: 'Label' })
        .inputValue(),
    ).toBe('third')
    await context.close()
  })

  it('sends once, however often it is pressed, and has nothing to send after that', async () => {
    const { context, page } = await openComposer()
    const sent = countSends(page)
    const gate = Promise.withResolvers<void>()
    await page.route('**/api/v1/notifications', async (route) => {
      await gate.promise
      await route.continue()
    })
    await field(page, 'Id of the user').fill('once')
    await write(page, 'Only one')
    await page.getByRole('button', { name: 'Send to user once' }).dblclick()
    for (let presses = 0; presses < 3; presses += 1) await page.keyboard.press('Control+Enter')
    gate.resolve()
    await page.getByText('1 user got it').first().waitFor()
    expect(sent.count).toBe(1)
    await page.keyboard.press('Control+Enter')
    await page.getByText('Nothing was sent: 2 fields are missing or wrong.').waitFor()
    expect(await readAll(product, 'once')).toBe(1)
    // On purpose it is possible.
    await page.getByRole('button', { name: 'Write it again' }).click()
    expect(await field(page, 'Title').inputValue()).toBe('Only one')
    await page.keyboard.press('Control+Enter')
    await eventually(
      () => page.locator('.sent-answers > li').count(),
      (count) => count === 2,
    )
    expect(await readAll(product, 'once')).toBe(1)
    await context.close()
  })

  it('can be asked again when the answer was lost, and sends no second one', async () => {
    const { context, page } = await openComposer()
    await field(page, 'Id of the user').fill('lost')
    await write(page, 'Did it arrive?')
    const lose = async (route: Route) => {
      await route.fetch()
      await route.abort()
    }
    await page.route('**/api/v1/notifications', lose)
    await page.keyboard.press('Control+Enter')
    await page.getByText('Nobody knows whether it was sent').waitFor()
    await page.unroute('**/api/v1/notifications', lose)
    await page.keyboard.press('Control+Enter')
    await page.getByText('1 user got it, with an attempt before this one').first().waitFor()
    expect(await readAll(product, 'lost')).toBe(1)

    await page.route('**/api/v1/notifications', lose)
    await write(page, 'Another')
    await page.keyboard.press('Control+Enter')
    await page.getByText('Nobody knows whether it was sent').waitFor()
    await page.unroute('**/api/v1/notifications', lose)
    await field(page, 'Title').fill('Another, in other words')
    await page.keyboard.press('Control+Enter')
    await page.getByText('Sent before, in other words').waitFor()
    await page.getByRole('button', { name: 'Make this another notification' }).click()
    await page.keyboard.press('Control+Enter')
    await eventually(
      () => page.locator('.sent-answers > li').count(),
      (count) => count === 2,
    )
    expect(await readAll(product, 'lost')).toBe(2)
    await context.close()
  })

  it('keeps what was written while one looks elsewhere', async () => {
    const { context, page } = await openComposer()
    await write(page, 'Half written')
    await page.getByRole('link', { name: 'Settings' }).click()
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor()
    await page.goBack()
    await eventually(
      () => field(page, 'Title').inputValue(),
      (text) => text === 'Half written',
    )
    await context.close()
  })
})

describe('an inbox', () => {
  it('shows what comes while one looks, with filters that stand in the address', async () => {
    const { context, page, complaints } = await openAt('/notifications?view=inbox')
    await sendNotification(product, { userId: 'live-1', type: 'a', category: 'x', title: 'First' })
    const search = page.getByRole('combobox', { name: 'Id of a user' })
    await page.keyboard.press('/')
    await page.keyboard.type('live-')
    await page.locator('datalist option[value="live-1"]').waitFor({ state: 'attached' })
    await page.getByText('This inbox is empty').waitFor()
    await search.fill('live-1')
    await row(page, 'First').waitFor()
    await search.evaluate((element) => (element as HTMLElement).blur())
    await sendNotification(product, { userId: 'live-1', type: 'b', priority: 'high', title: 'Second' })
    // Without a press: the list is read again by itself.
    await row(page, 'Second').waitFor()
    expect(await figure(page, 'Unread, as told')).toBe('2')
    const titles = () => page.locator('.inbox-table tbody bdi').allTextContents()
    const listed = (expected: string) =>
      eventually(titles, (all) => all.filter((text) => /First|Second/.test(text)).join() === expected)
    await page.getByRole('combobox', { name: 'Priority' }).selectOption('high')
    await listed('Second')
    await page.getByRole('combobox', { name: 'Priority' }).selectOption('')
    await page.getByRole('searchbox', { name: 'Type' }).fill('a')
    await listed('First')
    await page.getByRole('combobox', { name: 'State' }).selectOption('read')
    await page.getByText('No notification matches').waitFor()
    expect(new URL(page.url()).searchParams.get('state')).toBe('read')
    await page.getByRole('button', { name: 'Show all notifications' }).click()
    await listed('Second,First')
    expect(complaints).toEqual([])
    await context.close()
  })

  it('is paged through', async () => {
    const ids = { userId: 'pages', type: 't' }
    for (let n = 1; n <= 26; n += 1) await sendNotification(product, { ...ids, title: `Number ${n}` })
    const { context, page } = await openAt('/notifications?view=inbox&user=pages')
    await row(page, 'Number 26').waitFor()
    expect(await page.locator('.inbox-table tbody tr').count()).toBe(25)
    await page.getByRole('button', { name: 'Next page of notifications' }).press('Enter')
    await row(page, 'Number 1').waitFor()
    await page.getByText('Page 2').waitFor()
    expect(await page.locator('.inbox-table tbody tr').count()).toBe(1)
    await page.getByRole('button', { name: 'Previous page of notifications' }).press('Enter')
    await row(page, 'Number 26').waitFor()
    // Another filter begins at its first page.
    await page.getByRole('button', { name: 'Next page of notifications' }).press('Enter')
    await row(page, 'Number 1').waitFor()
    await page.getByRole('combobox', { name: 'State' }).selectOption('unread')
    await row(page, 'Number 26').waitFor()
    await context.close()
  })

  it('says when the count is not what the rows say', async () => {
    const { context, page } = await operatorPage(browser, product)
    await page.route('**/api/v1/notifications/inbox?*', async (route) => {
      const answer = await route.fetch()
      const view = (await answer.json()) as { told: object }
      await route.fulfill({ json: { ...view, told: { unread: 7, revision: 1 } } })
    })
    await page.goto(`${product.url}/notifications?view=inbox&user=wrong`)
    await page.getByRole('alert').getByText('The count is wrong: the user is told 7').waitFor()
    await context.close()
  })

  it('says what the server refuses', async () => {
    const { context, page } = await operatorPage(browser, product)
    const refusal = problem(
      503,
      'database_unavailable',
      'The database cannot be reached at the moment.',
      true,
    )
    await page.route('**/api/v1/notifications/**', (route) => route.fulfill(refusal))
    for (const [view, title] of [
      ['view=inbox&user=ana', 'The inbox could not be read'],
      ['view=sent', 'What was sent could not be read'],
      ['view=sent&id=0b0f6b6e-6a52-4b7e-9a52-2f0d5a3c9e11', 'The notification could not be read'],
    ] as const) {
      await page.goto(`${product.url}/notifications?${view}`)
      await page.getByText(title).waitFor()
    }
    await context.close()
  })
})

describe('what was sent', () => {
  it('leads to who got it, by state and by user', async () => {
    const userIds = Array.from({ length: 30 }, (_, index) => `crew-${String(index + 1).padStart(2, '0')}`)
    const id = await sendNotification(product, { userIds, type: 't', title: 'To the crew' })
    await userRequest(product, 'crew-07', 'POST', `${id}/read`)
    await userRequest(product, 'crew-08', 'POST', `${id}/dismiss`)
    await userRequest(product, 'crew-30', 'DELETE', id)
    const { context, page, complaints } = await openAt('/notifications?view=sent')
    expect(await row(page, 'To the crew').textContent()).toContain('30 users')
    await page.getByRole('link', { name: 'To the crew' }).click()
    await row(page, 'crew-07').waitFor()
    for (const [label, value] of [
      ['Got it', '30'],
      ['Read it', '1'],
      ['Unread', '27'],
      ['Dismissed', '1'],
      ['Gone', '1'],
    ] as const)
      expect([label, await figure(page, label)]).toEqual([label, value])
    await page.getByRole('button', { name: 'Next page of users' }).click()
    await row(page, 'crew-29').waitFor()
    expect(await page.locator('.recipients-table tbody tr').count()).toBe(4)
    await page.getByRole('radio', { name: 'Dismissed' }).check()
    await row(page, 'crew-08').waitFor()
    expect(await page.locator('.recipients-table tbody tr').count()).toBe(1)
    await page.getByRole('radio', { name: 'All' }).check()
    await page.getByRole('searchbox', { name: 'Id of a user' }).fill('crew-11')
    await eventually(
      () => page.locator('.recipients-table tbody tr').count(),
      (count) => count === 1,
    )
    await page.getByRole('searchbox', { name: 'Id of a user' }).fill('crew-30')
    await page.getByText('Ids are compared as a whole').waitFor()
    await page.getByRole('link', { name: 'All that was sent' }).click()
    await page.locator('.sent-table').waitFor()
    expect(complaints).toEqual([])
    await context.close()
  })

  it('is told to be unknown when it is', async () => {
    const { context, page } = await operatorPage(browser, product)
    await page.goto(`${product.url}/notifications?view=sent&id=0b0f6b6e-6a52-4b7e-9a52-2f0d5a3c9e11`)
    await page.getByText('There is no such notification').waitFor()
    await context.close()
  })
})

/** Of a user who is connected with `@belfry/client`. */
function openInbox(user: string): Notifications {
  const client = createClient({
    url: product.url,
    token: () => product.token({ sub: user }),
    socket: { transports: ['websocket'] },
  })
  const notifications = createNotifications(client)
  const stop = notifications.state.subscribe(() => undefined)
  onTestFinished(() => {
    stop()
    notifications.close()
    client.close()
  })
  return notifications
}

function openComposer(options?: BrowserContextOptions) {
  return openAt('/notifications', '.preview', options)
}

async function openAt(
  path: string,
  ready = ':is(.sent-table, .inbox-table, .empty-state)',
  options?: BrowserContextOptions,
) {
  const opened = await operatorPage(browser, product, options)
  await opened.page.goto(`${product.url}${path}`)
  await shown(opened.page.locator(ready).first())
  return opened
}

async function write(page: Page, title: string): Promise<void> {
  await field(page, 'Title').fill(title)
  await field(page, 'Type').fill('test')
}

/** By the beginning of its name: what follows says whether it is optional. */
function field(page: Page, name: string) {
  return page.getByLabel(new RegExp(`^${name}\\b`)).and(page.locator('input:not([type="radio"]), textarea'))
}

function row(page: Page, name: string) {
  return page.locator('.table tbody tr').filter({ has: page.getByText(name, { exact: true }) })
}

async function figure(page: Page, label: string): Promise<string> {
  const stat = page.locator('.stat').filter({ has: page.getByText(label, { exact: true }) })
  return (await stat.locator('.stat-value').textContent()) ?? ''
}

function countSends(page: Page): { count: number } {
  const sent = { count: 0 }
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/api/v1/notifications')) sent.count += 1
  })
  return sent
}
