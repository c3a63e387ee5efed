/** `@belfry/contract/bytes`: bytes in payloads, for contracts that are written with zod. */
export { bytes } from './define/bytes.ts'
