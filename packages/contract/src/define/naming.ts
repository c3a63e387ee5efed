/** Names of namespaces, events and commands: one shape for all, and the few that were there before it. */
import type { NamespaceContract } from './namespace.ts'

/** Names that the seeds of the product fixed in another shape. */
export const namingExceptions: ReadonlySet<string> = new Set([
  'authenticate',
  'logout',
  'presence:online:list',
  'dashboard:metric:update',
  'dashboard:post:update',
  'dashboard:analytics:update',
  'dashboard:followers:update',
  'dashboard:engagement:update',
])

/** Names of the engine's own events and commands, on every namespace (every-namespace.ts): no application defines them. */
export const reservedNames: ReadonlySet<string> = new Set([
  'session:started',
  'session:warning',
  'session:closing',
  'sync:reset',
  'sync:recovered',
  'command:rejected',
  'room:join',
  'room:leave',
  'room:lost',
])

const namespaceShape = /^\/[a-z][a-z0-9-]*$/
const nameShape = /^[a-z][a-zA-Z0-9]*:[a-z][a-zA-Z0-9]*$/

/** A sentence for each name that is not as names are; none when all are. */
export function namingMistakes(namespaces: readonly NamespaceContract[]): string[] {
  const seen = new Set<string>()
  return namespaces.flatMap(({ name, events, commands }) => {
    const mistakes: string[] = []
    if (!namespaceShape.test(name))
      mistakes.push(`${name} is no name for a namespace: a slash and small letters.`)
    if (seen.has(name)) mistakes.push(`${name} is defined twice.`)
    seen.add(name)
    for (const own of [...Object.keys(events), ...Object.keys(commands)]) {
      if (nameShape.test(own) || namingExceptions.has(own)) continue
      mistakes.push(`${own} of ${name} is not named resource:action, such as post:created.`)
    }
    return mistakes
  })
}
