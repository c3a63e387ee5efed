/** Milliseconds of the clock that all processes of a machine share, so that one can stamp and another compare. */
const behindMs = Number(process.hrtime.bigint()) / 1e6 - performance.now()

export const sharedMs = (): number => performance.now() + behindMs
