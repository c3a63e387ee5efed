/** What applications use of the client. */
export type {}
