import { createClient } from '@belfry/client'
import { chat } from './contract.ts'

const [, , token = '', url = ''] = process.argv
const live = createClient({ url, token }).namespace(chat)
live.on('message:said', ({ text }) => console.log(text))
await live.command('message:say', { text: 'Hello, everybody.' })
