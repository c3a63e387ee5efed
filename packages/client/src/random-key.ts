/** `crypto.randomUUID` is there only where a page came over https. */
export function randomKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join('-')
}
