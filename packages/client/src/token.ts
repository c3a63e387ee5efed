/** Where tokens come from: a text that is always the same, or somebody to ask. */
import type { TokenReason } from './states.ts'

export type TokenSource = string | ((reason: TokenReason) => string | Promise<string>)

/** Rejects also where the source throws before it could promise anything. */
export async function askForToken(source: TokenSource, reason: TokenReason): Promise<string> {
  return typeof source === 'string' ? source : await source(reason)
}
