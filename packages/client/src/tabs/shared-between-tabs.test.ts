import { expect, it } from 'vitest'
import { createClient } from '../client.ts'
import { createTestClock } from '../testing/test-clock.ts'
import { sharedBetweenTabs } from './shared-between-tabs.ts'

it('is a connection of its own outside of a page, such as in Node', async () => {
  const clock = createTestClock()
  const asked: string[] = []
  const client = createClient({
    url: 'http://127.0.0.1:9',
    token: (reason) => {
      asked.push(reason)
      return new Promise(() => {})
    },
    clock,
    tabs: sharedBetweenTabs('ana'),
  })
  client.namespace({ name: '/realtime' } as never).onReset(() => {})
  expect(asked).toEqual(['first'])
  client.close()
})
