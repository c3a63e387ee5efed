/** Ids that cannot be mixed up: each is a string that says what it identifies. */
declare const kind: unique symbol

export type Id<Kind extends string> = string & { readonly [kind]: Kind }

export type UserId = Id<'user'>
export type WorkspaceId = Id<'workspace'>
export type TeamId = Id<'team'>
export type SessionId = Id<'session'>
export type ConnectionId = Id<'connection'>

/** The bound of ids that come from outside, in characters. */
export const idLengthMax = 128

/** Parses at the edge: what is no id of ours stays outside. */
export function parseId<Kind extends string>(value: unknown): Id<Kind> | undefined {
  if (typeof value !== 'string' || value.length === 0 || value.length > idLengthMax) return undefined
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  return /[\u0000-\u001f\u007f]/.test(value) ? undefined : (value as Id<Kind>)
}
