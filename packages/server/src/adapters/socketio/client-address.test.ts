/** Whose address a request comes from: headers are believed only from whom we said we believe. */
import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { addressOf, createFindAddress, type TrustedProxies } from './client-address.ts'

const find = (trusted: TrustedProxies, direct: string | undefined, forwarded?: string) => {
  const request = {
    socket: { remoteAddress: direct },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  }
  return addressOf(createFindAddress(trusted)(request as unknown as IncomingMessage))
}

const client = '203.0.113.9'

describe('the address of a client', () => {
  it.each<readonly [string, TrustedProxies, string | undefined, string | undefined, string]>([
    ['who comes directly', false, client, undefined, client],
    ['who comes directly, over IPv6', false, '2001:db8::9', undefined, '2001:db8::9'],
    ['IPv4 within IPv6', false, '::ffff:203.0.113.9', undefined, client],
    ['a socket that is gone', false, undefined, undefined, ''],

    ['a header that nobody is believed to write', false, client, '198.51.100.1', client],
    ['a header from somebody else than our proxy', ['10.0.0.1'], client, '198.51.100.1', client],
    ['a header from somebody else than our network', ['10.0.0.0/8'], client, '10.0.0.1', client],
    ['no hop believed', 0, client, '198.51.100.1', client],

    ['one proxy', 1, '10.0.0.1', client, client],
    ['one proxy, and what the client wrote itself', 1, '10.0.0.1', `198.51.100.1, ${client}`, client],
    ['two proxies', 2, '10.0.0.1', `198.51.100.1, ${client}, 10.0.0.2`, client],
    ['more believed than there are', 5, '10.0.0.1', `${client}, 10.0.0.2`, client],
    ['a proxy by its address', ['10.0.0.1'], '10.0.0.1', client, client],
    ['a proxy by its network', ['10.0.0.0/8'], '10.200.0.1', client, client],
    [
      'a chain within our networks',
      ['10.0.0.0/8', '2001:db8::/32'],
      '10.0.0.1',
      `${client}, 2001:db8::1, 10.9.9.9`,
      client,
    ],
    [
      'a chain, and what the client wrote itself',
      ['10.0.0.0/8'],
      '10.0.0.1',
      `10.0.0.7, ${client}, 10.9.9.9`,
      client,
    ],
    [
      'a client that pretends to be one of our proxies',
      ['10.0.0.0/8'],
      '10.0.0.1',
      `198.51.100.1, 10.6.6.6, ${client}`,
      client,
    ],
    ['a client that comes from within our network', ['10.0.0.0/8'], '10.0.0.1', '10.5.5.5', '10.5.5.5'],
    ['loopback by its name', ['loopback'], '::ffff:127.0.0.1', client, client],
    ['loopback over IPv6', ['loopback'], '::1', client, client],
    ['private networks by their name', ['uniquelocal'], '172.31.255.255', client, client],
    ['what lies behind a private network', ['uniquelocal'], '172.32.0.1', client, '172.32.0.1'],
    ['what lies before a private network', ['uniquelocal'], '172.15.255.255', client, '172.15.255.255'],
    ['link-local addresses by their name', ['linklocal'], '169.254.7.7', client, client],
    ['a link-local address with its zone', ['linklocal'], 'fe80::7%eth0', client, client],
    ['a zone from outside', ['linklocal'], 'fe80::7', 'fe80::1%eth0', 'fe80::1%eth0'],
    ['a name that is not in the list', ['loopback'], '10.0.0.1', client, '10.0.0.1'],
    ['everybody', true, '198.51.100.1', `${client}, 198.51.100.2`, client],

    ['spaces between', 1, '10.0.0.1', `198.51.100.1 ,   ${client}  `, client],
    [
      'IPv4 within IPv6 in the header',
      ['10.0.0.0/8'],
      '::ffff:10.0.0.1',
      `::ffff:${client}, ::ffff:10.0.0.2`,
      client,
    ],
    ['IPv6 in the header', 1, '10.0.0.1', '2001:db8::9', '2001:db8::9'],
    ['no address in the header', 1, '10.0.0.1', 'unknown', '10.0.0.1'],
    ['a name in the header', 1, '10.0.0.1', 'localhost', '10.0.0.1'],
    ['an empty header', 1, '10.0.0.1', '', '10.0.0.1'],
    ['nothing between commas', true, '10.0.0.1', `${client},,10.0.0.2`, '10.0.0.2'],
    ['markup in the header', true, '10.0.0.1', '<script>alert(1)</script>', '10.0.0.1'],
    ['an address with more behind it', true, '10.0.0.1', `${client}'; drop table`, '10.0.0.1'],
    ['a long lie', true, '10.0.0.1', 'x'.repeat(10_000), '10.0.0.1'],
  ])('is right for %s', (_what, trusted, direct, forwarded, address) => {
    expect(find(trusted, direct, forwarded)).toBe(address)
  })

  it('never believes more than so many hops, however long the header is', () => {
    const header = Array.from({ length: 5_000 }, (_, n) => `10.0.${n >> 8}.${n & 255}`).join(', ')
    expect(find(1, '192.0.2.1', header)).toBe('10.0.19.135')
    expect(find(3, '192.0.2.1', header)).toBe('10.0.19.133')
  })
})
