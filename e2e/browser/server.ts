/** The server under test. */
import { execFileSync } from 'node:child_process'

export interface TestedProduct {
  readonly url: string
  /** A new link that signs in, once. */
  signInLink(): Promise<string>
  stop(): Promise<void>
}

/** One that runs already: `BELFRY_E2E_URL` is its address, `BELFRY_E2E_LINK_COMMAND` prints a sign-in link. */
export async function startProduct(): Promise<TestedProduct> {
  const url = process.env['BELFRY_E2E_URL']
  const command = process.env['BELFRY_E2E_LINK_COMMAND']
  if (url === undefined || command === undefined) {
    throw new Error(
      'Set BELFRY_E2E_URL and BELFRY_E2E_LINK_COMMAND to a running server and a command for links.',
    )
  }
  return {
    url,
    signInLink: async () => execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8' }).trim(),
    stop: async () => undefined,
  }
}
