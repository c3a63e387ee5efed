/** `@belfry/contract/mocks`: example payloads made from contracts, for tests and demonstrations. */
export { type MockOptions, mockCommandInput, mockEvent } from './define/mocks.ts'
