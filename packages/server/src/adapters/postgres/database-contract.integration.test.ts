import { inject } from 'vitest'
import { describeDatabaseContract } from '../../engine/testing/database-contract.ts'
import { createDatabase } from './database.ts'
import { startProxy } from './testing/proxy.ts'
import { silentLogger } from './testing/silent-logger.ts'
import { testDatabase } from './testing/test-database.ts'

describeDatabaseContract('PostgreSQL', async () => {
  const server = await testDatabase(inject('postgresUrl'))
  const proxy = await startProxy(server.url)
  return {
    open: (options = {}) => createDatabase({ url: proxy.url, logger: silentLogger, ...options }),
    cut: () => proxy.cut(),
    goAway: () => proxy.goAway(),
    comeBack: () => proxy.comeBack(),
    loseAnswerOf: (text) => proxy.loseAnswerOf(text),
    connections: () => server.connections(),
    async [Symbol.asyncDispose]() {
      // The server's side looks first: it fails when the adapter left a connection open.
      try {
        await server[Symbol.asyncDispose]()
      } finally {
        await proxy[Symbol.asyncDispose]()
      }
    },
  }
})
