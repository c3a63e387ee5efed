/** A secret that Belfry makes for itself once and finds again at every later start. */
import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { StartRefusal, systemErrorCode } from '../engine/start-refusal.ts'

export function generatedSecret(path: string): string {
  const existing = readSecret(path)
  if (existing !== undefined) return existing
  // Written whole under another name, then linked: a crash leaves no half secret, and of two starters one wins.
  // Not the process id: two containers on one volume may have the same.
  const unfinished = `${path}.${randomBytes(8).toString('hex')}`
  writeFileSync(unfinished, randomBytes(48).toString('base64url'), { mode: 0o600, flag: 'wx', flush: true })
  try {
    linkSync(unfinished, path)
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error
  } finally {
    rmSync(unfinished)
  }
  return readSecret(path) ?? generatedSecret(path)
}

function readSecret(path: string): string | undefined {
  try {
    const secret = readFileSync(path, 'utf8').trim()
    if (secret.length >= lengthMin) return secret
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
  throw new StartRefusal(
    'data_directory_incomplete',
    `The secret in ${path} is shorter than ${lengthMin} characters: put the right one back, or delete the file to have a new one made.`,
  )
}

/** With less, whoever holds a token could guess what signed it. */
const lengthMin = 32
