/** Which web pages may open sockets, and which may read the answer. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { answerPreflight, createOriginCheck, type SocketOrigins } from './origins.ts'

const app = 'https://app.example.com'

const request = (origin: string | undefined, host = 'belfry.example.com') =>
  ({ headers: { host, ...(origin === undefined ? {} : { origin }) } }) as IncomingMessage

function headersFor(origins: SocketOrigins, origin: string | undefined, host?: string) {
  const headers = new Map<string, string>()
  const response = { setHeader: (name: string, value: string) => headers.set(name, value) }
  createOriginCheck(origins).allowReading(request(origin, host), response as unknown as ServerResponse)
  return Object.fromEntries(headers)
}

const only = { allowed: [app], credentials: true }
const nobody = { allowed: [], credentials: true }
const anybody = { allowed: ['*'], credentials: true }
const anybodyAndApp = { allowed: ['*', app], credentials: true }

describe('origins', () => {
  it.each<readonly [string, SocketOrigins, string | undefined, boolean]>([
    ['a program without an origin', nobody, undefined, true],
    ['a page of this server', nobody, 'https://belfry.example.com', true],
    ['a page of this server without encryption', nobody, 'http://belfry.example.com', true],
    ['a page of another port of this host', nobody, 'http://belfry.example.com:8080', false],
    ['a page of another host', nobody, app, false],
    ['a page that is allowed', only, app, true],
    ['another scheme of one that is allowed', only, 'http://app.example.com', false],
    ['another port of one that is allowed', only, 'https://app.example.com:8443', false],
    ['a host that begins like one that is allowed', only, 'https://app.example.com.evil.example', false],
    ['a host that ends like one that is allowed', only, 'https://evil-app.example.com', false],
    ['a user name like one that is allowed', only, 'https://app.example.com@evil.example', false],
    ['a sandboxed page', only, 'null', false],
    ['a file', only, 'file://', false],
    ['an empty origin', only, '', false],
    ['nonsense', only, '://', false],
    ['anybody, where everybody may', anybody, 'https://evil.example', true],
    ['a sandboxed page, where everybody may', anybody, 'null', true],
  ])('decide about %s', (_what, origins, origin, isAllowed) => {
    expect(createOriginCheck(origins).isAllowed(request(origin))).toBe(isAllowed)
  })

  it('compare the port of this server, where it has one', () => {
    const { isAllowed } = createOriginCheck(nobody)
    expect(isAllowed(request('http://localhost:3000', 'localhost:3000'))).toBe(true)
    expect(isAllowed(request('http://localhost:3001', 'localhost:3000'))).toBe(false)
    expect(isAllowed(request('https://belfry.example.com:443', 'belfry.example.com'))).toBe(true)
  })

  it('let an allowed page read the answer, with its cookies if they say so', () => {
    expect(headersFor(only, app)).toEqual({
      vary: 'Origin',
      'access-control-allow-origin': app,
      'access-control-allow-credentials': 'true',
    })
    expect(headersFor({ ...only, credentials: false }, app)).toEqual({
      vary: 'Origin',
      'access-control-allow-origin': app,
    })
  })

  it('never let any page of the world use cookies', () => {
    expect(headersFor(anybody, 'https://evil.example')).toEqual({
      vary: 'Origin',
      'access-control-allow-origin': '*',
    })
    expect(headersFor(anybody, 'null')['access-control-allow-credentials']).toBeUndefined()
    expect(
      headersFor(anybodyAndApp, 'https://evil.example')['access-control-allow-credentials'],
    ).toBeUndefined()
    expect(headersFor(anybodyAndApp, app)['access-control-allow-credentials']).toBe('true')
  })

  it('say nothing where there is nothing to allow, but that it depends on the origin', () => {
    expect(headersFor(only, undefined)).toEqual({ vary: 'Origin' })
    expect(headersFor(only, 'https://belfry.example.com')).toEqual({ vary: 'Origin' })
  })

  it('answer the question before a request', () => {
    let told: unknown
    let isEnded = false
    const response = {
      writeHead: (status: number, headers: object) => {
        told = { status, headers }
      },
      end: () => {
        isEnded = true
      },
    }
    answerPreflight(response as unknown as ServerResponse)
    expect(told).toMatchObject({ status: 204, headers: { 'access-control-allow-methods': 'GET, POST' } })
    expect(isEnded).toBe(true)
  })
})
