/** The reference of all events and commands: every namespace that the contract exports. */
import * as contract from '@belfry/contract'
import { eventReference } from '@belfry/contract/documents'

export function eventsPage(): string {
  const exported: unknown[] = Object.values(contract)
  return `${opening}\n${eventReference(exported.filter(isNamespace))}`
}

const opening = `# Events and commands

What travels over the sockets of Belfry. This page is made from the contracts (\`npm run events\`); the same is served
for tools as AsyncAPI at \`/asyncapi.json\`. How to connect stands in [sockets.md](sockets.md).
`

function isNamespace(value: unknown): value is contract.NamespaceContract {
  return typeof value === 'object' && value !== null && 'events' in value && 'commands' in value
}
