/** `examples/express`: two pages with `socket.io-client` as it is. */
import { expect, it } from 'vitest'
import { collectComplaints, launch } from '../browser/browser.ts'
import { exampleWorld } from './example.ts'

it('shows an order of one page in the other, and a refusal where it was asked for', async () => {
  await using world = exampleWorld()
  const host = await world.host('express')
  const browser = await launch()
  try {
    const context = await browser.newContext()
    const complaints = collectComplaints(context)
    const [one, other] = [await context.newPage(), await context.newPage()]
    await one.goto(host.url)
    await one.getByLabel('Dish').fill('soup')
    await one.getByRole('button', { name: 'Order' }).click()
    await one.getByText('soup', { exact: true }).waitFor()
    // It comes later, and gets what is in the table.
    await other.goto(host.url)
    await other.getByText('soup', { exact: true }).waitFor()
    await other.getByLabel('Dish').fill('bread')
    await other.getByRole('button', { name: 'Order' }).click()
    await one.getByText('bread', { exact: true }).waitFor()
    expect(await one.getByRole('listitem').allTextContents()).toEqual(['soup', 'bread'])
    await one.getByLabel('Dish').fill('   ')
    await one.getByRole('button', { name: 'Order' }).click()
    await expect.poll(() => one.getByRole('status').textContent()).toBe('Some fields are missing or wrong.')
    expect(await one.getByRole('listitem').count()).toBe(2)
    expect(complaints).toEqual([])
  } finally {
    await browser.close()
  }
  await host.stop()
})
