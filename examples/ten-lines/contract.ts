import { command, defineNamespace, stream } from '@belfry/contract'
import { z } from 'zod'

const message = z.object({ text: z.string().max(500) })
export const chat = defineNamespace({
  name: '/chat',
  summary: 'Everybody talks to everybody.',
  events: { 'message:said': stream(message, { summary: 'Somebody spoke.', rooms: ['everyone'] }) },
  commands: { 'message:say': command({ summary: 'Says it to everybody.', input: message }) },
})
