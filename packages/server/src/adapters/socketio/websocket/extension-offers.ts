/** Reads the header Sec-WebSocket-Extensions by its grammar (RFC 6455, 9.1). */

/** Names are in lower case: the grammars of extensions are written in literals that ignore case (RFC 5234, 2.3). */
export interface ExtensionOffer {
  readonly name: string
  readonly parameters: readonly (readonly [name: string, value: string | undefined])[]
}

/** `undefined` if the header does not follow the grammar. Its length is bounded by the HTTP server: 16 KiB. */
export function parseExtensionOffers(header: string): ExtensionOffer[] | undefined {
  const scanner = new Scanner(header)
  const offers: ExtensionOffer[] = []
  for (;;) {
    // An element of a list may be empty (RFC 9110, 5.6.1).
    if (!scanner.isAtEnd && !scanner.sees(',')) {
      const offer = parseOffer(scanner)
      if (offer === undefined) return undefined
      offers.push(offer)
    }
    if (scanner.isAtEnd) return offers
    if (!scanner.skips(',')) return undefined
  }
}

function parseOffer(scanner: Scanner): ExtensionOffer | undefined {
  const name = scanner.token()
  if (name === undefined) return undefined
  const parameters: [string, string | undefined][] = []
  while (scanner.skips(';')) {
    const parameter = scanner.token()
    if (parameter === undefined) return undefined
    const hasValue = scanner.skips('=')
    const value = hasValue ? (scanner.token() ?? scanner.quotedToken()) : undefined
    if (hasValue && value === undefined) return undefined
    parameters.push([parameter.toLowerCase(), value])
  }
  return { name: name.toLowerCase(), parameters }
}

/** Goes through a header from left to right, past the white space before and after what it finds. */
class Scanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
    this.#match(whiteSpace)
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length
  }

  sees(sign: string): boolean {
    return this.#text[this.#at] === sign
  }

  skips(sign: string): boolean {
    if (!this.sees(sign)) return false
    this.#at += 1
    this.#match(whiteSpace)
    return true
  }

  token(): string | undefined {
    const token = this.#match(tokenSigns)
    this.#match(whiteSpace)
    return token
  }

  /** What is quoted must be a token when the quotes and backslashes are gone (RFC 6455, 9.1). */
  quotedToken(): string | undefined {
    const quoted = this.#match(quotedString)
    this.#match(whiteSpace)
    const token = quoted?.slice(1, -1).replace(/\\(.)/g, '$1')
    return token !== undefined && wholeToken.test(token) ? token : undefined
  }

  /** `pattern` is sticky. */
  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    this.#at += found?.length ?? 0
    return found
  }
}

const whiteSpace = /[ \t]+/y
const tokenSigns = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y
const wholeToken = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const quotedString = /"(?:[^"\\]|\\.)*"/y
