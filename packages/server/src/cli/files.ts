/** What is said of a file that cannot be used, in one sentence. */
import { dirname } from 'node:path'
import { systemErrorCode } from '../engine/start-refusal.ts'
import { CommandFailure } from './command.ts'

/** `error` itself when it is none of the system's. */
export function readFailure(file: string, error: unknown): unknown {
  return failure(file, error, 'read', `There is no file ${file}.`)
}

/** `error` itself when it is none of the system's. */
export function writeFailure(file: string, error: unknown): unknown {
  return failure(file, error, 'write', `There is no directory ${dirname(file)} to write ${file} into.`)
}

function failure(file: string, error: unknown, verb: 'read' | 'write', absent: string): unknown {
  const code = systemErrorCode(error)
  // Node's own errors, such as ERR_INVALID_ARG_TYPE, are defects of ours.
  if (code === undefined || !/^E(?!RR_)[A-Z]+$/.test(code)) return error
  return new CommandFailure(sentence(code), { cause: error })

  function sentence(code: string): string {
    switch (code) {
      case 'ENOENT':
        return absent
      case 'EACCES':
      case 'EPERM':
        return `This user may not ${verb} ${file}.`
      case 'EROFS':
        return `${file} lies on a read-only file system.`
      case 'ENOSPC':
      case 'EDQUOT':
        return `There is no room left for ${file}.`
      case 'EISDIR':
        return `${file} is a directory; name a file.`
      case 'EPIPE':
        return `Whoever was reading ${file} went away before its end.`
      default:
        return `Belfry cannot ${verb} ${file} (${code}).`
    }
  }
}
