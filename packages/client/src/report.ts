/** What becomes of an error of a listener when nobody was named who wants to know. */
export function report(error: unknown): void {
  // biome-ignore lint/suspicious/noConsole: see above
  console.error(error)
}
