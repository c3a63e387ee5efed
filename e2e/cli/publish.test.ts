/** `belfry publish` beside a running server: what it tells reaches a stock client, and mistakes are named. */
import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Product, startProduct } from '../product.ts'
import { until } from '../protocol/until.ts'
import { mustRefuse, mustSucceed } from './command-line.ts'

let product: Product
let environment: Record<string, string>

beforeAll(async () => {
  product = await startProduct()
  environment = { BELFRY_DATA_DIR: product.dataDirectory }
})
afterAll(() => product.stop())

const message = (text: string) => ['--data', JSON.stringify({ message: text })]

describe('belfry publish', () => {
  it('reaches a client, once for each key', async () => {
    const { stdout: token } = await mustSucceed(['token', '--sub', 'ana'], { environment })
    const socket = io(`${product.url}/realtime`, { auth: { token: token.trim() }, transports: ['websocket'] })
    try {
      const heard: string[] = []
      socket.on('system:message', (data: { message: string }) => heard.push(data.message))
      await until(() => socket.connected)
      const words = ['publish', '/realtime', 'system:message', '--room', 'user:ana']
      await mustSucceed([...words, ...message('one')], { environment })
      const first = await mustSucceed([...words, ...message('two'), '--key', 'k'], { environment })
      expect(first.stderr + first.stdout).toContain('Published system:message on /realtime')
      const again = await mustSucceed([...words, ...message('two'), '--key', 'k'], { environment })
      expect(again.stderr + again.stdout).toContain('Published before')
      await mustSucceed([...words, '--url', product.url, ...message('three')], { environment })
      await until(() => heard.length === 3)
      expect(heard).toEqual(['one', 'two', 'three'])
    } finally {
      socket.disconnect()
    }
  })

  it.each<readonly [string, readonly string[], string]>([
    [
      'a namespace that there is not',
      ['/nowhere', 'x:y', '--room', 'user:ana'],
      'There is no namespace of this name.',
    ],
    [
      'an event that there is not',
      ['/realtime', 'x:y', '--room', 'user:ana'],
      'There is no event of this name',
    ],
    [
      'an event that the server alone publishes',
      ['/notifications', 'notification:unreadCount', '--room', 'user:ana'],
      'notification:unreadCount is published by the server alone',
    ],
    [
      'a payload of another shape',
      ['/realtime', 'system:message', '--room', 'user:ana', '--data', '{"message":7}'],
      'data.message',
    ],
    [
      'a room of another kind',
      ['/realtime', 'system:message', '--room', 'post:1', ...message('x')],
      'rooms system:message is not for rooms of the kind post',
    ],
    [
      'an address where nobody is',
      ['/realtime', 'system:message', '--room', 'user:ana', '--url', 'http://127.0.0.1:1'],
      'Nobody answers at http://127.0.0.1:1',
    ],
  ])('says what is wrong with %s', async (_what, words, reason) => {
    expect(await mustRefuse(['publish', ...words], { code: 1, environment })).toContain(reason)
  })

  it.each<readonly [readonly string[], string]>([
    [[], 'needs a namespace and an event'],
    [['/realtime', 'system:message'], 'needs at least one room'],
    [['/realtime', 'system:message', '--room', 'ana'], '--room has "ana"'],
    [['/realtime', 'system:message', '--room', 'user:ana', '--data', '{'], '--data is no JSON'],
    [['/realtime', 'system:message', '--room', 'user:ana', '--data', '[]'], '--data takes a JSON object'],
    [['/realtime', 'system:message', '--room', 'user:ana', '--url', 'here'], '--url has "here"'],
  ])('refuses %j with exit code 2', async (words, reason) => {
    expect(await mustRefuse(['publish', ...words], { code: 2, environment })).toContain(reason)
  })
})
