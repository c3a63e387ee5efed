/** The page of notifications with something on it, in light and dark, narrow and wide: seen by axe, kept as pictures. */
import type { Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { operatorPage, shown } from './browser.ts'
import { connectClient } from './clients.ts'
import { axeSource, judgeEveryLook } from './looks.ts'
import { sendNotification, userRequest } from './notification-requests.ts'
import { browser, product } from './world.ts'

const crew = Array.from({ length: 40 }, (_, index) => `member-${String(index + 1).padStart(2, '0')}`)
let newest: string

beforeAll(async () => {
  const send = (body: object) => sendNotification(product, body)
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
  const mention = await send({
    userId: 'ana',
    type: 'mention',
    category: 'posts',
    title: 'Bob mentioned you in “How we ship on Fridays”',
    message: 'Could you look at the third paragraph?\nIt is about the night shift.',
    data: { postId: 'post-17', paragraph: 3 },
    actions: [
      { id: 'open', label: 'Open the post', url: 'https://app.example.com/posts/17' },
      { id: 'later', label: 'Later' },
    ],
  })
  const invoice = await send({
    userId: 'ana',
    type: 'invoice',
    title: 'Your invoice of October',
    priority: 'low',
  })
  const digest = await send({ userId: 'ana', type: 'digest', title: 'The week in short', expiresAt })
  await send({
    userIds: ['ana', 'bob'],
    type: 'alert',
    category: 'ops',
    priority: 'critical',
    title: 'The disk is full',
  })
  await userRequest(product, 'ana', 'POST', `${mention}/read`)
  await userRequest(product, 'ana', 'POST', `${invoice}/dismiss`)
  await userRequest(product, 'ana', 'POST', `${digest}/read`)
  newest = await send({
    userIds: crew,
    type: 'maintenance',
    category: 'system',
    priority: 'high',
    title: 'We are back at 18:00',
    message: 'The database moves to a larger machine. Nothing is lost, and nothing has to be done.',
    data: { window: ['17:30', '18:00'] },
    expiresAt,
  })
  for (const user of crew.slice(0, 12)) await userRequest(product, user, 'POST', `${newest}/read`)
  for (const user of crew.slice(3, 6)) await userRequest(product, user, 'POST', `${newest}/dismiss`)
  await userRequest(product, 'member-40', 'DELETE', newest)
})

it('a notification that is written, refused and sent', async () => {
  const { context, page, complaints } = await open('/notifications', '.preview')
  await page.getByRole('textbox', { name: 'Title' }).fill('We are back at 18:00')
  await page.getByRole('textbox', { name: 'Message' }).fill('The database moves to a larger machine.')
  await page.getByRole('combobox', { name: 'Priority' }).selectOption('high')
  await page.getByRole('textbox', { name: 'Category' }).fill('system')
  await page.getByRole('button', { name: 'Add an action' }).click()
  await page.getByRole('textbox', { name: 'Label' }).fill('Read more')
  await page.getByRole('textbox', { name: 'Address' }).fill('nowhere')
  await page.keyboard.press('Control+Enter')
  await page.getByRole('alert').waitFor()
  await judgeEveryLook(page, 'notifications-refused')
  await page.getByRole('combobox', { name: 'Id of the user' }).fill('ana')
  await page.getByRole('textbox', { name: 'Type' }).fill('maintenance')
  await page.getByRole('textbox', { name: 'Word for the application' }).fill('more')
  await page.getByRole('textbox', { name: 'Address' }).fill('https://app.example.com/news')
  await judgeEveryLook(page, 'notifications-written')
  await page.keyboard.press('Control+Enter')
  await page.locator('.sent-answers').waitFor()
  await judgeEveryLook(page, 'notifications-answered')
  // The browser says of each refusal of the server that it was one.
  expect(complaints.filter((complaint) => !complaint.includes('400'))).toEqual([])
  await context.close()
})

it('what was sent, and what became of one', async () => {
  await connectClient(product, 'member-02')
  await connectClient(product, 'member-02')
  const { context, page, complaints } = await open('/notifications?view=sent', '.sent-table')
  await judgeEveryLook(page, 'notifications-sent-list')
  await page.goto(`${product.url}/notifications?view=sent&id=${newest}`)
  await shown(page.locator('.recipients-table'))
  await judgeEveryLook(page, 'notifications-delivery')
  expect(complaints).toEqual([])
  await context.close()
})

it('an inbox, with the details of one', async () => {
  const { context, page, complaints } = await open('/notifications?view=inbox&user=ana', '.inbox-table')
  await page.getByRole('button', { name: /^Bob mentioned you/ }).click()
  await judgeEveryLook(page, 'notifications-inbox-open')
  expect(complaints).toEqual([])
  await context.close()
})

async function open(path: string, ready: string) {
  const opened = await operatorPage(browser, product, { reducedMotion: 'reduce' })
  const page: Page = opened.page
  await page.addInitScript(axeSource)
  await page.goto(`${product.url}${path}`)
  await shown(page.locator(ready).first())
  return opened
}
