/** Planted secrets, in every corner somebody may put one, and values that are hard to write down. */
import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { createLogger, type LogLevel } from './logger.ts'

function createLog(options: { level?: LogLevel; pretty?: boolean } = {}) {
  const lines: string[] = []
  const logger = createLogger({
    level: options.level ?? 'debug',
    pretty: options.pretty ?? false,
    destination: { write: (line) => lines.push(line) },
  })
  return { logger, lines, records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

const planted = 'planted-s3cret'

it('writes one JSON object a line', () => {
  const { logger, lines, records } = createLog()
  logger.info({ port: 3000, nested: { list: [1, 'two', null] }, at: new Date(0) }, 'listening')
  expect(lines[0]?.endsWith('\n')).toBe(true)
  expect(records()[0]).toMatchObject({
    level: 'info',
    message: 'listening',
    port: 3000,
    nested: { list: [1, 'two', null] },
    at: '1970-01-01T00:00:00.000Z',
  })
  expect(String(records()[0]?.['time'])).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
})

it.each([
  'authorization',
  'Authorization',
  'cookie',
  'set-cookie',
  'setCookie',
  'token',
  'sessionToken',
  'access_token',
  'password',
  'PGPASSWORD',
  'passphrase',
  'secret',
  'jwtSecret',
  'client_secret',
  'credentials',
  'key',
  'apiKey',
  'api_key',
  'x-api-key',
  'privateKey',
  'PRIVATE_KEY',
  'signature',
])('masks a field named %s, whatever it holds and however deep', (name) => {
  for (const pretty of [false, true]) {
    const { logger, lines } = createLog({ pretty })
    const error = Object.assign(new Error('failed'), {
      [name]: planted,
      request: { headers: { [name]: planted } },
    })
    logger.info({ [name]: planted }, 'top')
    logger.warn({ a: { b: [{ c: { d: { [name]: planted } } }] } }, 'deep')
    logger.error(
      { [name]: { value: planted, list: [planted] }, error, cause: new Error('outer', { cause: error }) },
      'objects',
    )
    logger.debug({ map: new Map([[name, planted]]) }, 'map')
    expect(lines).toHaveLength(4)
    expect(lines.join('')).not.toContain(planted)
    expect(lines.join('')).toContain('[masked]')
  }
})

it.each([
  `postgres://belfry:${planted}@localhost/belfry`,
  `connect to redis://:${planted}@cache:6379 failed`,
  `https://belfry.example/sign-in?token=${planted}&next=/`,
  `https://belfry.example/sign-in#token=${planted}`,
  `Authorization: Bearer ${planted}`,
  `Basic ${planted}`,
  `Cookie: belfry_session=${planted}; theme=dark`,
  `password=${planted} host=localhost`,
  `{"password":"${planted}"}`,
  `{"token": "${planted}"}`,
])('masks inside text: %s', (text) => {
  const { logger, lines } = createLog()
  logger.info({ text, error: new Error(text), list: [text] }, text)
  expect(lines.join('')).not.toContain(planted)
})

it('leaves innocent text alone', () => {
  const { logger, records } = createLog()
  const fields = {
    keyboard: 'qwerty',
    url: 'https://belfry.example:3000/a?b=c',
    mail: 'a@b.example',
    monkeys: 3,
  }
  logger.info(fields, 'the token was refused')
  expect(records()[0]).toMatchObject({ ...fields, message: 'the token was refused' })
})

it('writes errors with their stack, their cause and what else they carry', () => {
  const { logger, records } = createLog()
  const error = Object.assign(new TypeError('outer', { cause: new Error('inner') }), {
    code: 'E1',
    detail: { at: 3 },
  })
  logger.error({ error }, 'failed')
  expect(records()[0]?.['error']).toMatchObject({
    type: 'TypeError',
    message: 'outer',
    code: 'E1',
    detail: { at: 3 },
    cause: { message: 'inner' },
  })
  expect(inspect(records()[0])).toContain('logging.test.ts')
})

it('never throws, whatever it is given', () => {
  const { logger, lines, records } = createLog()
  const circle: Record<string, unknown> = { name: 'circle' }
  circle['self'] = circle
  let deep: object = {}
  for (let depth = 0; depth < 10_000; depth += 1) deep = { deep }
  const hostile = {
    get trap(): string {
      throw new Error('no')
    },
  }
  const values = [
    circle,
    deep,
    hostile,
    Object.create(null),
    {
      toJSON: () => {
        throw new Error('no')
      },
    },
  ]
  for (const value of values) logger.info({ value }, 'odd')
  logger.info(
    {
      big: 10n ** 30n,
      symbol: Symbol('x'),
      call: () => 1,
      none: undefined,
      no: Number.NaN,
      bytes: Buffer.alloc(1_000_000),
      when: new Date(Number.NaN),
      set: new Set([1]),
    },
    'odd',
  )
  logger.info(values, 'a list')
  expect(records()).toHaveLength(lines.length)
  expect(lines).toHaveLength(7)
  expect(records()[0]?.['value']).toEqual({ name: 'circle', self: '[circle]' })
})

it('writes so much and no more', () => {
  const { logger, lines } = createLog()
  logger.info(
    { text: 'x'.repeat(1_000_000), many: Array.from({ length: 100_000 }, () => ({ n: 1 })) },
    'y'.repeat(1_000_000),
  )
  expect(lines.join('').length).toBeLessThan(1_000_000)
})

it('says nothing below its level', () => {
  const { logger, lines } = createLog({ level: 'warn' })
  logger.debug({}, 'debug')
  logger.info({}, 'info')
  logger.warn({}, 'warn')
  logger.error({}, 'error')
  expect(lines).toHaveLength(2)
  const silent = createLog({ level: 'silent' })
  silent.logger.error({}, 'error')
  expect(silent.lines).toEqual([])
})

it('writes for a person', () => {
  const { logger, lines } = createLog({ pretty: true })
  logger.info({ port: 3000, path: '/a b', error: new Error('broken') }, 'listening')
  const [head = '', ...stack] = (lines[0] ?? '').split('\n')
  expect(head).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} info {2}listening {2}port=3000 {2}path="\/a b" {2}error="broken"$/,
  )
  expect(stack[0]).toBe('    Error: broken')
  expect(stack[1]).toMatch(/^ {4,}at /)
})

it('stays on one line, whatever is in the message', () => {
  for (const pretty of [false, true]) {
    const { logger, lines } = createLog({ pretty })
    logger.info({ name: 'a\nb' }, 'signed in\n12:00:00.000 error forged \u001b[2J \u009b2J')
    if (pretty) expect(lines.join('').trimEnd()).not.toMatch(/\p{Cc}/u)
    expect(lines.join('').trimEnd().split('\n')).toHaveLength(1)
  }
})
