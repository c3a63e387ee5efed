import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  boolean,
  choice,
  directory,
  type Kind,
  listOf,
  origin,
  originOrAny,
  publicKeys,
  secretText,
  secureUrl,
  signingSecret,
  socketPath,
  text,
  trustProxy,
  url,
  wholeNumber,
} from './setting-kinds.ts'

/** Names that every object has: a table that is looked into carelessly finds them. */
const inherited = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf']

function expectValues<Value>(kind: Kind<Value>, cases: readonly (readonly [string, Value])[]): void {
  for (const [given, value] of cases) expect(kind.parse(given), JSON.stringify(given)).toEqual({ value })
}

function expectMistakes<Value>(kind: Kind<Value>, wrong: readonly string[], sentence: string | RegExp): void {
  for (const given of wrong) {
    const parsed = kind.parse(given)
    expect(parsed, JSON.stringify(given)).toHaveProperty('mistake')
    expect('mistake' in parsed && parsed.mistake, JSON.stringify(given)).toMatch(sentence)
  }
}

describe('directory', () => {
  it('is whole, from where the program was started', () => {
    expectValues(directory, [
      ['/var/lib/belfry', '/var/lib/belfry'],
      ['data', join(process.cwd(), 'data')],
    ])
    expectMistakes(directory, ['', '  '], 'must not be blank')
  })
})

describe('socketPath', () => {
  it('is a path, and gets the slash at its end', () => {
    expectValues(socketPath, [
      ['/socket.io/', '/socket.io/'],
      ['/socket.io', '/socket.io/'],
      ['/live/v1', '/live/v1/'],
      ['/apis/', '/apis/'],
    ])
  })

  it('hides neither pages nor REST', () => {
    const wrong = [
      '',
      '/',
      'socket.io',
      '//',
      '/a//b',
      '/a b',
      '/a?b',
      '/api',
      '/api/',
      '/api/v1/live',
      '/assets/x',
      '/realtime',
    ]
    expectMistakes(socketPath, wrong, 'must be a path such as /socket.io/')
  })
})

describe('text', () => {
  it('is anything but blank, and left as it is', () => {
    expectValues(text, [
      ['a', 'a'],
      [' a ', ' a '],
      ['Grüße 🔔', 'Grüße 🔔'],
      ['false', 'false'],
    ])
    expectMistakes(text, ['', ' ', '\t\n'], /blank/)
  })
})

describe('boolean', () => {
  it('is true, false, 1 or 0, in letters of any size', () => {
    expectValues(boolean, [
      ['true', true],
      ['TRUE', true],
      ['1', true],
      ['false', false],
      ['False', false],
      ['0', false],
    ])
    expectMistakes(
      boolean,
      ['yes', 'no', 'on', 'off', '2', '', ' true', 'truee', ...inherited],
      /true or false/,
    )
  })
})

describe('whole number', () => {
  it('lies within its bounds, both included', () => {
    expectValues(wholeNumber(10, 20), [
      ['10', 10],
      ['20', 20],
      ['015', 15],
    ])
    const wrong = [
      '9',
      '21',
      '-10',
      '+10',
      '1e1',
      '10.0',
      '10.5',
      '0x10',
      ' 10',
      '10 ',
      '',
      'ten',
      'NaN',
      '١٥',
    ]
    expectMistakes(wholeNumber(10, 20), [...wrong, '9'.repeat(400), ...inherited], 'from 10 to 20')
    expectValues(wholeNumber(0, 1), [['0', 0]])
    expectMistakes(wholeNumber(0, 1), ['-0', '-1'], 'from 0 to 1')
  })

  it('says its bounds', () => expect(wholeNumber(10, 20).hint).toBe('10 to 20.'))
})

describe('choice', () => {
  it('is exactly one of its options', () => {
    const kind = choice('auto', 'json')
    expectValues(kind, [
      ['auto', 'auto'],
      ['json', 'json'],
    ])
    expectMistakes(kind, ['JSON', 'json ', '', 'auto,json', ...inherited], 'one of auto, json')
  })
})

describe('secure address', () => {
  it.each([
    'https://id.example.com/keys',
    'http://localhost:8080/keys',
    'http://127.0.0.1/keys',
    'http://[::1]:1/keys',
  ])('takes %s', (given) => expect(secureUrl.parse(given)).toEqual({ value: given }))

  it.each([
    'http://id.example.com/keys',
    'http://127.0.0.1.example.com/keys',
    'http://localhost.example.com/keys',
    'https://user:password@id.example.com/keys',
    'ftp://localhost/keys',
    'file:///keys',
    'id.example.com',
    '',
  ])('refuses %s', (given) => expect(secureUrl.parse(given)).toHaveProperty('mistake'))
})

describe('secret text', () => {
  it('has a least length, and is never printed nor named in a mistake', () => {
    const kind = secretText(4)
    expectValues(kind, [
      ['abcd', 'abcd'],
      ['    ', '    '],
    ])
    expectMistakes(kind, ['abc', ''], /^must have 4 characters or more$/)
    expect(kind.print('hunter2')).not.toContain('hunter')
    expect(kind.print('a')).toBe(kind.print('a'.repeat(100)))
  })
})

describe('signing secret', () => {
  it('has 32 characters or more, and is no key in PEM, which everybody may know', () => {
    expectValues(signingSecret, [['x'.repeat(32), 'x'.repeat(32)]])
    expectMistakes(signingSecret, ['x'.repeat(31)], /^must have 32 characters or more$/)
    const pem = `-----BEGIN PUBLIC KEY-----\n${'AAAA'.repeat(20)}\n-----END PUBLIC KEY-----\n`
    expectMistakes(
      signingSecret,
      [pem, pem.replaceAll('\n', '\\n')],
      /^must not be a key in PEM; .*JWT_PUBLIC_KEY$/,
    )
    expect(signingSecret.print(pem)).not.toContain('AAAA')
  })
})

describe('public keys', () => {
  const pem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString()

  it('are shown in one line, which is taken as well', () => {
    for (const given of [pem, pem + pem, pem.replaceAll('\n', '\r\n'), pem.replaceAll('\n', '\\n')]) {
      expectValues(publicKeys, [[given, given]])
      const printed = publicKeys.print(given)
      expect(printed).not.toMatch(/[\r\n]/)
      expectValues(publicKeys, [[printed, printed]])
    }
  })

  it('are told apart from everything else', () => {
    expectMistakes(publicKeys, ['x', ' ', pem.slice(0, -9)], /^must be public keys or certificates as PEM/)
    const { privateKey } = generateKeyPairSync('ed25519')
    const text = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    expectMistakes(publicKeys, [text], /^holds a private key; give the public one/)
  })
})

describe('url', () => {
  it('begins with one of its schemes, and is left as it is', () => {
    expectValues(
      url('postgres', 'postgresql'),
      [
        'postgres://user:pass%40word@db.example.com:5432/app?sslmode=require',
        'postgresql://localhost/app',
        'postgres://user:password@/app?host=/var/run/postgresql',
        'postgres://[::1]:5432/app',
      ].map((given) => [given, given] as const),
    )
    expectValues(url('http', 'https'), [['https://app.example.com/path', 'https://app.example.com/path']])
    const wrong = [
      'mysql://localhost/app',
      'postgres:',
      'postgres:/x',
      'localhost',
      '',
      'postgress://x',
      ' postgres://x',
    ]
    expectMistakes(url('postgres', 'postgresql'), wrong, 'begins with postgres:// or postgresql://')
    expectMistakes(
      url('http', 'https'),
      ['http://', 'https://a b', 'javascript://x', 'http://x:99999'],
      'URL',
    )
  })
})

describe('origin', () => {
  it('is scheme, host and port of a page, without a slash', () => {
    expectValues(origin, [
      ['https://app.example.com', 'https://app.example.com'],
      ['https://app.example.com/', 'https://app.example.com'],
      ['http://localhost:3000', 'http://localhost:3000'],
      ['http://[::1]:3000', 'http://[::1]:3000'],
    ])
    const wrong = [
      'app.example.com',
      'https://a.example.com/x',
      'https://a.example.com?x',
      'https://u@a.example.com',
    ]
    expectMistakes(
      origin,
      [...wrong, '*', '', 'null', 'file:///x', 'data:,x', 'https://*.example.com/x'],
      'origin',
    )
  })

  it('may be any, where that is allowed', () => {
    expectValues(originOrAny, [
      ['*', '*'],
      ['https://a.example.com', 'https://a.example.com'],
    ])
    expectMistakes(originOrAny, ['**', 'https://a.example.com/x'], 'origin')
  })
})

describe('list', () => {
  it('has commas between, and blanks wherever people put them', () => {
    expectValues(listOf(wholeNumber(1, 9)), [
      ['1', [1]],
      ['1,2 ,\t3', [1, 2, 3]],
    ])
    expect(listOf(wholeNumber(1, 9)).print([1, 2])).toBe('1,2')
  })

  it('names the part that is wrong', () => {
    const kind = listOf(wholeNumber(1, 9))
    expect(kind.parse('1,x,10')).toEqual({
      mistake: 'has "x" in it, which must be a whole number from 1 to 9',
    })
    expectMistakes(kind, ['', ',', '1,', ',1', '1,,2'], 'has "" in it')
  })
})

describe('trusted proxies', () => {
  it('are everybody, nobody, a number of hops, or addresses and networks', () => {
    expectValues(trustProxy, [
      ['true', true],
      ['FALSE', false],
      ['0', 0],
      ['1', 1],
      ['3', 3],
      ['loopback', ['loopback']],
      ['127.0.0.1, 10.0.0.0/8,::1,fd00::/8', ['127.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8']],
      ['loopback,linklocal,uniquelocal', ['loopback', 'linklocal', 'uniquelocal']],
      ['10.0.0.1/32', ['10.0.0.1/32']],
      ['::/128', ['::/128']],
    ])
  })

  it('are not what would stop the server later', () => {
    const wrong = [
      '999.1.1.1',
      '10.0.0.0/33',
      '10.0.0.0/0',
      '::1/129',
      '10.0.0.0/8/8',
      '10.0.0.0/',
      '1.2.3',
      ':::',
      'fe80::1%eth0',
      'proxy.example.com',
      '-1',
      '1.5',
      '1,2',
      'loopback,',
      '',
      'all',
      ...inherited,
    ]
    expectMistakes(trustProxy, wrong, /which is no address, network or number of proxies/)
  })

  it('are taken by the web server, whatever is accepted here', async () => {
    const { fastify } = await import('fastify')
    for (const given of [
      '127.0.0.1,10.0.0.0/8',
      '::1',
      'fd00::/8',
      'loopback',
      '::/128',
      '::ffff:10.0.0.1',
    ]) {
      const parsed = trustProxy.parse(given)
      const value = 'value' in parsed && Array.isArray(parsed.value) ? parsed.value : []
      expect(value, given).not.toEqual([])
      expect(() => fastify({ trustProxy: [...value] }), given).not.toThrow()
    }
  })

  it('are printed as they are written', () => {
    for (const given of ['true', 'false', '2', '127.0.0.1,10.0.0.0/8']) {
      const parsed = trustProxy.parse(given)
      expect('value' in parsed && trustProxy.print(parsed.value)).toBe(given)
    }
  })
})
