/** The broker of a node that is alone: whoever publishes calls the handlers. */
import {
  type AnnouncementHandler,
  type Broker,
  type BrokerOptions,
  defaultChainMax,
  type PublishHandler,
} from '../ports/broker.ts'
import type { Logger } from '../ports/logger.ts'

export interface MemoryBrokerOptions extends BrokerOptions {
  readonly logger: Logger
}

export function createMemoryBroker({ logger, chainMax = defaultChainMax }: MemoryBrokerOptions): Broker {
  const events = createChannel<Parameters<PublishHandler>>(logger, chainMax)
  const announcements = createChannel<Parameters<AnnouncementHandler>>(logger, chainMax)
  return {
    publish: (namespace, position, entry) => events.send([namespace, position, entry]),
    subscribe: (handler) => events.subscribe(handler),
    announce: (message) => announcements.send([message]),
    listen: (handler) => announcements.subscribe(handler),
  }
}

interface Subscription<Message extends readonly unknown[]> {
  readonly handler: (...message: Message) => void
  isOpen: boolean
}

function createChannel<Message extends readonly unknown[]>(logger: Logger, chainMax: number) {
  /** Replaced, never changed, so that a delivery goes on over those that were there when it began. */
  let subscriptions: readonly Subscription<Message>[] = []
  /** What handlers send while they run waits here, or the later handlers would see it before its cause. */
  const waiting: Message[] = []
  let isDelivering = false

  const deliver = (message: Message) => {
    for (const subscription of subscriptions) {
      if (!subscription.isOpen) continue
      try {
        subscription.handler(...message)
      } catch (error) {
        logger.error({ error }, 'a handler of the broker failed')
      }
    }
  }

  return {
    send(message: Message): void {
      if (isDelivering) {
        if (waiting.length >= chainMax)
          throw new RangeError(`Handlers answered each other ${chainMax} times; nothing more is sent.`)
        waiting.push(message)
        return
      }
      isDelivering = true
      try {
        deliver(message)
        // Grows while it is walked: what these cause comes after them.
        for (const following of waiting) deliver(following)
      } finally {
        waiting.length = 0
        isDelivering = false
      }
    },
    subscribe(handler: (...message: Message) => void): () => void {
      const subscription = { handler, isOpen: true }
      subscriptions = [...subscriptions, subscription]
      return () => {
        subscription.isOpen = false
        subscriptions = subscriptions.filter((other) => other !== subscription)
      }
    },
  }
}
