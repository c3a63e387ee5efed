import { command, defineNamespace, stream } from '@belfry/contract'
import { z } from 'zod'

export type Item = z.infer<typeof item>
const item = z.object({
  id: z.int(),
  name: z.string().trim().min(1).max(100),
  bought: z.boolean(),
  version: z.int(),
})

export const shopping = defineNamespace({
  name: '/shopping',
  summary: 'The shopping list of a household.',
  durable: true,
  events: {
    'item:saved': stream(item, { summary: 'An item is new, or has changed.', rooms: ['workspace'] }),
  },
  commands: {
    'list:read': command({ summary: 'The list as it is.', output: z.object({ items: z.array(item) }) }),
    'item:add': command({ summary: 'Puts something on the list.', input: item.pick({ name: true }) }),
    'item:buy': command({ summary: 'Ticks it off, or not.', input: item.pick({ id: true, bought: true }) }),
  },
})
