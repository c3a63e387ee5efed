/** What the processes of this bench agree on. Tokens of servers that live for a minute on loopback need no better secret. */
export const secret = 'the shared secret of the bench of recovery, 32 bytes or more'

/** Whose client it is; each has a user of its own. */
export const userOf = (index: number): string => `user-${index}`
