/** `@belfry/contract/engine`: the events and commands that every namespace has, to run and to describe them. Needs zod. */
export { type EveryNamespace, everyNamespace } from './define/every-namespace.ts'
