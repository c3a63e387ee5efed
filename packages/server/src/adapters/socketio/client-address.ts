/** Whose address a request comes from, when proxies that we believe stand between. */
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, type Socket } from 'node:net'

/** Nobody, everybody, so many hops, or these addresses and networks. */
export type TrustedProxies = boolean | number | readonly string[]

/**
 * Of the client itself, or the socket that knows it: asking the system for each connect would take 2 µs, for
 * something that few look at.
 */
export type Address = string | Socket

export type FindAddress = (request: IncomingMessage) => Address

/** Empty when the socket was closed before somebody asked. */
export function addressOf(address: Address): string {
  return typeof address === 'string' ? address : plain(address.remoteAddress ?? '')
}

export function createFindAddress(trusted: TrustedProxies): FindAddress {
  const believes = believer(trusted)
  return (request) => {
    const forwarded = request.headers['x-forwarded-for']
    if (forwarded === undefined) return request.socket
    const direct = addressOf(request.socket)
    if (!believes(direct, 0)) return direct
    const hops = String(forwarded)
      .split(',')
      .map((hop) => plain(hop.trim()))
      .reverse()
    let address = direct
    for (const [index, hop] of hops.entries()) {
      // What follows was written by somebody we do not believe, or is no address at all.
      if (isIP(hop) === 0) break
      address = hop
      if (!believes(hop, index + 1)) break
    }
    return address
  }
}

function believer(trusted: TrustedProxies): (address: string, hop: number) => boolean {
  if (typeof trusted === 'boolean') return () => trusted
  if (typeof trusted === 'number') return (_address, hop) => hop < trusted
  const networks = new BlockList()
  for (const entry of trusted.flatMap((name) => namedNetworks[name] ?? [name])) {
    const [address = '', bits] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) networks.addAddress(address, family)
    else networks.addSubnet(address, Number(bits), family)
  }
  return (address) => isIP(address) !== 0 && networks.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

const namedNetworks: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/** IPv4 within IPv6, as a socket for both tells it. */
function plain(address: string): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address
}
