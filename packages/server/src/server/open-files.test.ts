import { expect, it } from 'vitest'
import { openFilesWarning } from './open-files.ts'

it('warns when the system lets this process have fewer open files than it may need', () => {
  expect(openFilesWarning(20_000, 20_000)).toBe(
    'This process may have 20000 open files, but MAX_SOCKET_CONNECTIONS=20000 needs 20200: ' +
      'raise the limit (ulimit -n 20200, or LimitNOFILE in a systemd unit), or lower the setting.',
  )
  expect(openFilesWarning(1_000, 1_199)).toContain('needs 1200')
})

it('says nothing when there are enough', () => {
  expect(openFilesWarning(1_000, 1_200)).toBeUndefined()
  expect(openFilesWarning(1)).toBeUndefined()
})
