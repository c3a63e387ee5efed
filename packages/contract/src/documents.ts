/** `@belfry/contract/documents`: what is read of contracts, by tools and by people. */
export { type AsyncApiOptions, asyncApi } from './define/documents.ts'
export { jsonSchema } from './define/json-schema.ts'
export { eventReference } from './define/reference.ts'
