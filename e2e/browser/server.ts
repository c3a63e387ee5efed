/** The product under the browser's tests. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { issueToken, type TokenClaims } from '../../packages/server/src/adapters/tokens/issue-token.ts'
import { runProduct, startProduct as start } from '../product.ts'

export interface TestedProduct {
  readonly url: string
  /** A new link that signs in, once. */
  signInLink(): Promise<string>
  /** What a browser keeps of a session that was signed in with such a link: always the same one. */
  session(): Promise<Cookie[]>
  /** A token that its sockets accept, made in this process: it takes a fifth of a second less than the command. */
  token(claims: TokenClaims): string
  /** What `belfry token` prints. */
  printedToken(words: readonly string[]): string
  stop(): Promise<void>
}

/** As `addCookies` of a browser's context takes it. */
interface Cookie {
  readonly name: string
  readonly value: string
  readonly url: string
  readonly httpOnly: true
  readonly sameSite: 'Strict'
}

export async function startProduct(): Promise<TestedProduct> {
  const product = await start()
  const secret = readFileSync(join(product.dataDirectory, 'jwt-secret'), 'utf8').trim()
  let first: string | undefined = product.signInLink
  let session: Promise<Cookie[]> | undefined
  const signInLink = async () => {
    if (first !== undefined) {
      const link = first
      first = undefined
      return link
    }
    const { dataDirectory } = product
    const { output } = runProduct(['link'], {
      dataDirectory,
      environment: { PORT: new URL(product.url).port },
    })
    return output.trim()
  }
  return {
    url: product.url,
    signInLink,
    session() {
      session ??= signInLink().then((link) => signIn(product.url, link))
      return session
    },
    token: (claims) => issueToken({ secret, claims, expiresInSeconds: 3_600, now: Date.now }),
    printedToken(words) {
      const { dataDirectory } = product
      const { code, output } = runProduct(['token', ...words], { dataDirectory })
      if (code !== 0) throw new Error(`No token was made: ${output}`)
      return output.trim()
    },
    stop: () => product.stop(),
  }
}

export async function signIn(url: string, link: string): Promise<Cookie[]> {
  const answer = await fetch(`${url}/api/v1/access/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url },
    body: JSON.stringify({ token: new URL(link).hash.slice('#token='.length) }),
  })
  const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';')
  const [name = '', value = ''] = cookie.split('=')
  if (!answer.ok || value === '') throw new Error(`Nobody was signed in: ${answer.status}`)
  return [{ name, value, url, httpOnly: true, sameSite: 'Strict' }]
}
