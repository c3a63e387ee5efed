/** Notifications as programs send them, and as users change their own, over REST. */
import type { TestedProduct } from './server.ts'

/** The id of what was sent. */
export async function sendNotification(product: TestedProduct, body: object): Promise<string> {
  const token = product.token({ sub: 'billing', permissions: ['notifications:send'] })
  const { id } = await ask(product, token, 'POST', '', body)
  return String(id)
}

/** What follows `/api/v1/notifications/`, in the name of this user. */
export function userRequest(
  product: TestedProduct,
  user: string,
  method: 'POST' | 'DELETE',
  path: string,
  body?: object,
): Promise<Record<string, unknown>> {
  return ask(product, product.token({ sub: user }), method, `/${path}`, body)
}

/** How many this user had not read: all of them are read now. */
export async function readAll(product: TestedProduct, user: string): Promise<number> {
  const { changed } = await userRequest(product, user, 'POST', 'read-all', {})
  return Number(changed)
}

async function ask(
  product: TestedProduct,
  token: string,
  method: string,
  path: string,
  body?: object,
): Promise<Record<string, unknown>> {
  const answer = await fetch(`${product.url}/api/v1/notifications${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!answer.ok)
    throw new Error(`${method} ${path} was answered with ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as Record<string, unknown>
}
