/** Publishing by hand: what is written in the form is what clients get, and what is wrong is said at its field. */
import type { Page } from 'playwright-core'
import { beforeEach, describe, expect, it } from 'vitest'
import { eventually, hasFocus, operatorPage, problem, shown } from './browser.ts'
import { connectClient, untilNobodyIsConnected } from './clients.ts'
import { richEvents } from './rich-event.ts'
import { browser, product } from './world.ts'

beforeEach(() => untilNobodyIsConnected(product))

describe('an event', () => {
  it('is sent with Ctrl and Enter, arrives as it was previewed, and stands in the log', async () => {
    const ana = await connectClient(product, 'ana')
    const { context, page, complaints } = await openPublish()
    await page.getByRole('textbox', { name: 'title' }).fill('Maintenance')
    await page.getByRole('textbox', { name: 'message' }).fill('Back in "5" minutes.\nThank you — спасибо')
    await page.getByRole('combobox', { name: 'severity' }).selectOption('critical')
    const previewed = JSON.parse((await page.locator('.publish-preview').textContent()) ?? '')
    await page.keyboard.press('Control+Enter')
    await page.getByText('1 session got it').first().waitFor()
    await eventually(
      async () => ana.received('system:message'),
      (payloads) => payloads.length === 1,
    )
    const [{ _meta, ...payload } = {}] = ana.received('system:message')
    expect(payload).toEqual(previewed)
    expect(payload).toEqual({
      title: 'Maintenance',
      message: 'Back in "5" minutes.\nThank you — спасибо',
      severity: 'critical',
    })
    const cursor = (_meta as { id: string }).id
    await page.getByRole('button', { name: `Copy the cursor ${cursor}` }).waitFor()
    await page.getByRole('status').filter({ hasText: 'published, 1 session got it' }).waitFor()
    await page.getByRole('link', { name: 'Show it in the log' }).click()
    await page
      .locator('.log-table tbody tr')
      .filter({ hasText: 'system:message' })
      .filter({ hasText: 'everyone:all' })
      .waitFor()
    expect(complaints).toEqual([])
    await context.close()
  })

  it.each([
    { audience: 'User', kind: undefined, id: 'ana', button: 'user ana', gets: ['ana'] },
    { audience: 'User', kind: undefined, id: 'a/b?c#d%2F', button: 'user a/b?c#d%2F', gets: ['a/b?c#d%2F'] },
    { audience: 'User', kind: undefined, id: '..', button: 'user ..', gets: ['..'] },
    { audience: 'Workspace', kind: undefined, id: 'acme', button: 'workspace acme', gets: ['ana', 'bob'] },
    { audience: 'Room', kind: 'workspace', id: 'beta', button: 'workspace:beta', gets: ['ana'] },
    { audience: 'Everybody', kind: undefined, id: undefined, button: 'everybody', gets: 'all' },
  ])('goes to $button alone', async ({ audience, kind, id, button, gets }) => {
    const users = ['ana', 'bob', 'a/b?c#d%2F', '..']
    const workspaces: Record<string, { workspaces: readonly string[] }> = {
      ana: { workspaces: ['acme', 'beta'] },
      bob: { workspaces: ['acme'] },
    }
    const clients = new Map<string, Awaited<ReturnType<typeof connectClient>>>()
    for (const user of users) clients.set(user, await connectClient(product, user, workspaces[user]))
    const { context, page } = await openPublish()
    await page.getByRole('radio', { name: audience }).check()
    if (kind !== undefined) await page.getByRole('combobox', { name: 'Kind of room' }).selectOption(kind)
    if (id !== undefined) await page.getByRole('textbox', { name: /^Id of the/ }).fill(id)
    await page.getByRole('button', { name: `Publish to ${button}`, exact: true }).click()
    const expected = gets === 'all' ? users : gets
    await page
      .getByText(`${expected.length} session${expected.length === 1 ? '' : 's'} got it`)
      .first()
      .waitFor()
    // What comes after everything else on a connection comes after what was published.
    await page.evaluate(() =>
      fetch('/api/v1/socket/broadcast', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ data: { message: 'the end' } }),
      }),
    )
    for (const [user, client] of clients) {
      const payloads = await eventually(
        async () => client.received('system:message'),
        (all) => all.some(({ message }) => message === 'the end'),
      )
      expect([user, payloads.length]).toEqual([user, expected.includes(user) ? 2 : 1])
    }
    await context.close()
  })

  it('is not sent by Enter alone, nor twice by a key that is held', async () => {
    const { context, page } = await openPublish()
    const sent = countPublications(page)
    await page.getByRole('textbox', { name: 'title' }).press('Enter')
    const gate = Promise.withResolvers<void>()
    await page.route('**/api/v1/socket/broadcast', async (route) => {
      await gate.promise
      await route.continue()
    })
    await page.keyboard.down('Control')
    await page.keyboard.down('Enter')
    await page.keyboard.down('Enter')
    await page.keyboard.up('Enter')
    await page.keyboard.press('Enter')
    await page.keyboard.up('Control')
    gate.resolve()
    await page.getByText('nobody was there to get it').first().waitFor()
    expect(sent.count).toBe(1)
    await context.close()
  })
})

it('what the server alone publishes cannot be chosen, and says what to do instead', async () => {
  const { context, page } = await openPublish()
  const choices = await page.getByRole('combobox', { name: 'Namespace' }).locator('option').allTextContents()
  expect(choices).toContain('/realtime')
  expect(choices).not.toContain('/notifications')
  await page.getByText('notification:unreadCount', { exact: true }).waitFor()
  await page.getByRole('link', { name: 'compose a notification' }).click()
  await page.getByRole('heading', { name: 'Notifications', level: 1 }).waitFor()
  await context.close()
})

describe('what is wrong', () => {
  it('is said by the server beside the field, which gets the focus, and goes when it is corrected', async () => {
    const { context, page } = await openPublish()
    const message = page.getByRole('textbox', { name: 'message' })
    await message.fill('')
    await page.getByRole('button', { name: 'Publish to everybody' }).click()
    await page.getByRole('alert').getByText('Nothing was published').waitFor()
    await hasFocus(message)
    expect(await message.getAttribute('aria-invalid')).toBe('true')
    const said = await message.evaluate((element) =>
      (element.getAttribute('aria-describedby') ?? '')
        .split(' ')
        .map((id) => document.getElementById(id)?.textContent)
        .join(' '),
    )
    expect(said).toContain('Too small')
    await message.fill('Now there is one.')
    expect(await message.getAttribute('aria-invalid')).toBe(null)
    await page.keyboard.press('Control+Enter')
    await page.getByText('nobody was there to get it').first().waitFor()
    expect(await page.getByText('Nothing was published').count()).toBe(0)
    await context.close()
  })

  it('is said of the target, too, by the form and by the server', async () => {
    const { context, page } = await openPublish()
    const sent = countPublications(page)
    await page.getByRole('radio', { name: 'User' }).check()
    await page.keyboard.press('Control+Enter')
    await page.getByText('Write the id of a user.').waitFor()
    const id = page.getByRole('textbox', { name: 'Id of the user' })
    await hasFocus(id)
    expect(sent.count).toBe(0)
    await page.getByRole('radio', { name: 'Workspace' }).check()
    await page.getByRole('textbox', { name: 'Id of the workspace' }).fill('x'.repeat(200))
    await page.keyboard.press('Control+Enter')
    await page.locator('.publish-whom + .field-error').waitFor()
    expect(sent.count).toBe(1)
    await context.close()
  })

  it('is said of an entry of a list, of a nested object, and of what has no field', async () => {
    const { context, page } = await openRich()
    await page.route('**/api/v1/socket/notify-room/**', (route) => {
      const refusal = problem(400, 'validation_failed', 'Some fields are wrong.', false)
      const fields = [
        { path: 'lines.0.pieces', message: 'too many pieces' },
        { path: 'body.data.customer.mail', message: 'no address' },
        { path: 'extra.any.1.deep', message: 'too deep' },
        { path: 'title', message: 'too long' },
        { path: 'title', message: 'too dull' },
        { path: 'unheard.of', message: 'not known' },
      ]
      return route.fulfill({ ...refusal, body: JSON.stringify({ ...JSON.parse(refusal.body), fields }) })
    })
    await page.getByRole('textbox', { name: 'Id of the room' }).fill('7')
    await page.keyboard.press('Control+Enter')
    await page.getByText('too many pieces').first().waitFor()
    const errors = page.locator('.field-error')
    expect(await errors.allTextContents()).toEqual([
      'too long too dull',
      'no address',
      'too many pieces',
      'too deep',
    ])
    await page.getByRole('alert').getByText('not known').waitFor()
    await page.getByRole('textbox', { name: 'title' }).fill('Short')
    expect(await errors.count()).toBe(3)
    await context.close()
  })

  it('is shown when the events cannot be read', async () => {
    const { context, page } = await operatorPage(browser, product)
    const refusal = problem(500, 'internal', 'Something went wrong on our side.', true)
    await page.route('**/api/v1/socket/events', (route) => route.fulfill(refusal))
    await page.goto(`${product.url}/publish`)
    await page.getByText('The events could not be read').waitFor()
    await page.unroute('**/api/v1/socket/events')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.locator('.publish-preview').waitFor()
    await context.close()
  })
})

describe('the form', () => {
  it('begins with the example and sends what stands in its fields', async () => {
    const { context, page, complaints } = await openRich()
    const example = richEvents.namespaces[0]?.events[0]?.example
    expect(await preview(page)).toEqual(example)
    const hints = await page.locator('.field-hint').allTextContents()
    expect(hints).toEqual([
      'What people see; 1 to 80 characters',
      'left out',
      'number from 0',
      'whole number',
      'left out; the server puts in "gift"',
      'left out',
      'at most 3 entries',
      'whole number from 1 to 99',
      'at least 1 entry',
      'JSON',
      'left out',
      'left out',
    ])
    const field = (name: string) => page.getByRole('textbox', { name, exact: true })
    await field('title').fill('More books')
    await field('price').fill('0.5')
    await field('count').fill('-7')
    await page.getByRole('checkbox', { name: 'urgent' }).check()
    await page.getByRole('combobox', { name: 'level' }).selectOption('3')
    await field('name').fill('Bob')
    await add(page, 'mail')
    await hasFocus(field('mail optional'))
    await page.keyboard.type('bob@example.org')
    await add(page, 'kind')
    await page.getByRole('button', { name: 'Remove tags 1' }).click()
    expect(await field('tags 1').inputValue()).toBe('b')
    await page.getByRole('button', { name: 'Add to tags' }).click()
    await field('tags 2').fill('c')
    await page.getByRole('button', { name: 'Add to tags' }).click()
    await page.getByRole('button', { name: 'Add to tags' }).press('Enter')
    expect(await field('tags 4').count()).toBe(0)
    await page.getByRole('button', { name: 'Add to lines' }).click()
    await page.getByRole('group', { name: 'lines 2' }).getByRole('textbox', { name: 'sku' }).fill('y-2')
    await page.getByRole('group', { name: 'lines 2' }).getByRole('textbox', { name: 'pieces' }).fill('2')
    await page.getByRole('button', { name: 'Add to lines' }).click()
    await page.getByRole('group', { name: 'lines 3' }).getByRole('textbox', { name: 'pieces' }).fill('3')
    await page.getByRole('button', { name: 'Remove lines 2' }).click()
    expect(await page.getByRole('textbox', { name: 'pieces' }).nth(1).inputValue()).toBe('3')
    await page.getByRole('textbox', { name: 'sku' }).nth(1).fill('z-3')
    const noNote = page.getByRole('group', { name: 'note' }).getByRole('checkbox')
    await noNote.press('Space')
    await hasFocus(noNote)
    await field('note').fill('Ring twice')
    await field('extra').fill('{ "deep": [ { "er": null } ] }')
    await add(page, 'tree')
    await page.getByRole('group', { name: 'tree' }).getByRole('textbox', { name: 'name' }).fill('root')
    await page.getByRole('group', { name: 'tree' }).getByRole('button', { name: 'Add next' }).click()
    await page.getByRole('group', { name: 'next' }).getByRole('textbox', { name: 'name' }).fill('leaf')
    const expected = {
      title: 'More books',
      price: 0.5,
      count: -7,
      urgent: true,
      level: 3,
      customer: { name: 'Bob', mail: 'bob@example.org' },
      kind: 'gift',
      tags: ['b', 'c', ''],
      lines: [
        { sku: 'x-1', pieces: 1 },
        { sku: 'z-3', pieces: 3 },
      ],
      note: 'Ring twice',
      extra: { deep: [{ er: null }] },
      tree: { name: 'root', next: { name: 'leaf' } },
    }
    expect(await preview(page)).toEqual(expected)
    await page.getByRole('textbox', { name: 'Id of the room' }).fill('s1/e7')
    const [request] = await Promise.all([
      page.waitForRequest('**/api/v1/socket/notify-room/**'),
      page.keyboard.press('Control+Enter'),
    ])
    expect(request.url()).toBe(`${product.url}/api/v1/socket/notify-room/episode%3As1%2Fe7`)
    expect(request.postDataJSON()).toEqual({ namespace: '/orders', event: 'order:placed', data: expected })
    expect(complaints.filter((complaint) => !complaint.includes('404'))).toEqual([])
    await context.close()
  })

  it('sends nothing that is not finished, and says where it is', async () => {
    const { context, page } = await openRich()
    const sent = countPublications(page)
    await page.getByRole('textbox', { name: 'Id of the room' }).fill('7')
    const price = page.getByRole('textbox', { name: 'price' })
    for (const [text, said] of [
      ['12,5', 'This is no number.'],
      ['', 'Write a number.'],
      ['Infinity', 'This is no number.'],
    ] as const) {
      await price.fill(text)
      await page.keyboard.press('Control+Enter')
      await page.getByText(said).waitFor()
      await page.getByText('Nothing was published: 1 field needs to be finished first.').waitFor()
      await hasFocus(price)
    }
    await page.getByText('1 field is not finished and not shown here.').waitFor()
    expect(Object.keys(await preview(page))).not.toContain('price')
    await price.fill('1e3')
    await page.getByRole('textbox', { name: 'extra' }).fill('{ "half": ')
    await add(page, 'choice')
    await page.getByRole('button', { name: 'Publish to episode:7' }).click()
    await page.getByText('This is no JSON yet.').waitFor()
    await page.getByText('Nothing was published: 2 fields need to be finished first.').waitFor()
    expect(sent.count).toBe(0)
    await context.close()
  })

  it('leaves out and adds with the keyboard, and the focus does not fall off', async () => {
    const { context, page } = await openPublish()
    await page.getByRole('button', { name: 'Leave out title' }).press('Enter')
    expect(await preview(page)).not.toHaveProperty('title')
    await focusedText(page, 'Add title')
    await page.keyboard.press('Enter')
    await expect
      .poll(() =>
        page
          .getByRole('textbox', { name: 'title' })
          .evaluate((element) => element === document.activeElement),
      )
      .toBe(true)
    await context.close()
  })

  it('can be left for JSON and entered again, but not with something that is no object', async () => {
    const { context, page } = await openRich()
    const form = page.getByRole('radio', { name: 'Form' })
    await page.getByRole('radio', { name: 'JSON' }).check()
    const editor = page.getByRole('textbox', { name: 'Payload as JSON' })
    await editor.fill('[1, 2')
    await form.click()
    await page.getByText('This is no JSON yet.').waitFor()
    await editor.fill('[1, 2]')
    await page.getByRole('textbox', { name: 'Id of the room' }).fill('7')
    const sent = countPublications(page)
    await page.keyboard.press('Control+Enter')
    await page.getByText('A payload is an object: { … }.').waitFor()
    expect(sent.count).toBe(0)
    // Fields that do not fit the form are written as JSON there.
    await editor.fill('{ "title": 7, "tags": "none", "own": true }')
    await form.check()
    const title = page.getByRole('textbox', { name: 'title' })
    expect(await title.inputValue()).toBe('7')
    // What it says becomes a text on the way, and the field stays what it is.
    await title.press('ControlOrMeta+A')
    await page.keyboard.type('""')
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.type('seven')
    await page.getByRole('textbox', { name: 'tags' }).fill('["x"]')
    await page.getByRole('button', { name: 'Add price' }).waitFor()
    expect(await preview(page)).toEqual({ title: 'seven', tags: ['x'], own: true })
    await page.getByRole('button', { name: 'Fill in the example' }).click()
    expect(await title.inputValue()).toBe('Books')
    await context.close()
  })

  it('is JSON from the start for a payload of several shapes', async () => {
    const { context, page } = await openRich()
    await page.getByRole('combobox', { name: 'Event' }).selectOption('order:changed')
    await page.getByText('more than one shape').waitFor()
    await page.getByRole('textbox', { name: 'Payload as JSON' }).fill('{ "b": [] }')
    expect(await preview(page)).toEqual({ b: [] })
    expect(await page.getByRole('radio', { name: 'JSON' }).count()).toBe(0)
    await context.close()
  })

  it('keeps what was written while one looks elsewhere, for each event of its own', async () => {
    const { context, page } = await openRich()
    await page.getByRole('textbox', { name: 'title' }).fill('Half written')
    await page.getByRole('textbox', { name: 'price' }).fill('12,')
    await page.getByRole('textbox', { name: 'Id of the room' }).fill('7')
    await page.getByRole('combobox', { name: 'Event' }).selectOption('order:changed')
    await page.getByRole('textbox', { name: 'Payload as JSON' }).waitFor()
    await page.getByRole('link', { name: 'Settings' }).click()
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor()
    await page.goBack()
    await page.getByText('more than one shape').waitFor()
    await page.getByRole('combobox', { name: 'Event' }).selectOption('order:placed')
    expect(await page.getByRole('textbox', { name: 'title' }).inputValue()).toBe('Half written')
    expect(await page.getByRole('textbox', { name: 'price' }).inputValue()).toBe('12,')
    await context.close()
  })
})

async function openPublish() {
  const opened = await operatorPage(browser, product)
  await opened.page.goto(`${product.url}/publish`)
  await shown(opened.page.locator('.publish-preview'))
  return opened
}

async function openRich() {
  const opened = await operatorPage(browser, product)
  await opened.page.route('**/api/v1/socket/events', (route) => route.fulfill({ json: richEvents }))
  await opened.page.goto(`${product.url}/publish`)
  await shown(opened.page.getByText('Somebody ordered something.'))
  return opened
}

async function preview(page: Page): Promise<Record<string, unknown>> {
  return JSON.parse((await page.locator('.publish-preview').textContent()) ?? '')
}

async function add(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: `Add ${name}`, exact: true }).click()
}

function countPublications(page: Page): { count: number } {
  const sent = { count: 0 }
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().includes('/api/v1/socket/')) sent.count += 1
  })
  return sent
}

async function focusedText(page: Page, text: string): Promise<void> {
  await expect.poll(() => page.evaluate(() => document.activeElement?.textContent?.trim())).toBe(text)
}
