/** A secret that Belfry makes for itself once and finds again at every later start. */
import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { systemErrorCode } from '../engine/start-refusal.ts'

export function generatedSecret(path: string): string {
  const existing = readSecret(path)
  if (existing !== undefined) return existing
  // Written whole under another name, then linked: a crash leaves no half secret, and of two starters one wins.
  const unfinished = `${path}.${process.pid}`
  writeFileSync(unfinished, randomBytes(48).toString('base64url'), { mode: 0o600, flush: true })
  try {
    linkSync(unfinished, path)
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error
  } finally {
    rmSync(unfinished)
  }
  return readFileSync(path, 'utf8')
}

function readSecret(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
