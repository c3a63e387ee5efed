/**
 * What a caller sends, before any schema sees it. `__proto__`, `constructor` and `prototype` are taken out, so
 * that they reach no object; U+0000 is refused, because PostgreSQL stores no text that contains it.
 */
import { parse } from 'node:querystring'
import { Refusal } from '@belfry/contract'
import type { FastifyInstance } from 'fastify'

/** Bodies are JSON, or refused with 415. */
export function acceptJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
    try {
      const expected = request.routeOptions.schema?.body !== undefined
      done(null, parseJsonBody(text as string, expected))
    } catch (error) {
      done(error as Error)
    }
  })
}

export function parseJsonBody(text: string, expected: boolean): unknown {
  if (text === '') {
    // Many callers send the header with every request: harmless where no body is wanted.
    if (!expected) return undefined
    throw new Refusal('bad_request', 'The body is empty, but was announced as JSON.')
  }
  const value = parseJson(text)
  return suspicious.test(text) ? cleaned(value) : value
}

/** For Fastify's router. */
export function parseQuery(text: string): Record<string, unknown> {
  const query: Record<string, unknown> = Object.create(null)
  for (const [name, value] of Object.entries(parse(text, '&', '=', { maxKeys: queryKeysMax }))) {
    if (!poisonous.has(name)) query[name] = value
  }
  return query
}

/** A path or query that holds U+0000 is nobody's honest request. */
export function refuseNulInUrl(url: string): void {
  if (url.includes('%00')) throw new Refusal('bad_request', nulSentence)
}

const poisonous = new Set(['__proto__', 'constructor', 'prototype'])

/** The names can hide behind \u escapes, so an escape is reason enough to look. */
const suspicious = /__proto__|constructor|prototype|\\u00/

const nulSentence = 'Text must not contain the character U+0000.'

/** Names in a query at most; the longest of ours has a handful. */
const queryKeysMax = 100

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message quotes the input, which may hold a secret.
    throw new Refusal('bad_request', 'The body is not valid JSON.')
  }
}

/** Walks without recursion: a megabyte of brackets is deeper than any stack. */
function cleaned(value: unknown): unknown {
  const open: unknown[] = [value]
  while (open.length > 0) {
    const node = open.pop()
    if (typeof node === 'string' && node.includes('\0')) throw new Refusal('bad_request', nulSentence)
    if (typeof node !== 'object' || node === null) continue
    for (const name of Object.keys(node)) {
      if (poisonous.has(name) && !Array.isArray(node)) Reflect.deleteProperty(node, name)
      else open.push(name, Reflect.get(node, name))
    }
  }
  return value
}
