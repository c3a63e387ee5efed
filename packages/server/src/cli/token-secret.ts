/** What tokens are signed with, for commands beside a server. */
import { ensureDataDirectory } from '../server/data-directory.ts'
import { generatedSecret } from '../server/generated-secret.ts'
import { secretPath } from '../server/open-database.ts'
import type { Settings } from '../server/settings.ts'
import { readFailure } from './files.ts'

/** The secret of the settings, else the one in the data directory; before the first start it is made here. */
export function tokenSecret(settings: Settings): string {
  if (settings.jwtSecret !== undefined) return settings.jwtSecret
  ensureDataDirectory(settings.dataDirectory)
  const path = secretPath(settings, 'jwt-secret')
  try {
    return generatedSecret(path)
  } catch (error) {
    throw readFailure(path, error)
  }
}
