/** What travels between the kitchen and its guests: both sides import it, and types and checks follow from it. */
import { command, defineNamespace, stream } from '@belfry/contract'
import { z } from 'zod'

export type Order = z.infer<typeof order>
const order = z.object({ id: z.int(), dish: z.string().trim().min(1).max(100) })

export const orders = defineNamespace({
  name: '/orders',
  summary: 'Orders of a kitchen.',
  durable: true,
  events: {
    'order:placed': stream(order, { summary: 'Somebody ordered.', rooms: ['workspace'] }),
  },
  commands: {
    'order:place': command({ summary: 'Orders a dish.', input: order.pick({ dish: true }), output: order }),
  },
})
