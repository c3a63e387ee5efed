/**
 * A fresh token for a connection that is up: shown on the namespace `/auth`, where the server takes it for all sessions of
 * the connection. Nobody is let in anew. Where it fails, everything stays as it is until the server ends what has expired.
 *
 *   idle → asking for a token → showing it → idle
 */
import type { Answer } from '@belfry/contract'
import type { Socket } from 'socket.io-client'
import type { Clock } from './clock.ts'

export interface Refresh {
  begin(): void
  /** The line is not there any more. */
  stop(): void
}

export function createRefresh(parts: {
  ask(): Promise<string>
  /** Of the namespace, while the line is up. */
  socket(): Socket | undefined
  readonly clock: Clock
  readonly timeoutMs: number
  onRefreshed(token: string): void
}): Refresh {
  /** Answers to an earlier question are not listened to. */
  let question = 0
  let isUnderWay = false
  let end = () => {}

  function stop(): void {
    question += 1
    isUnderWay = false
    end()
    end = () => {}
  }

  function show(token: string): void {
    const socket = parts.socket()
    const finish = (isTaken: boolean) => {
      stop()
      if (isTaken) parts.onRefreshed(token)
    }
    if (socket === undefined) stop()
    // The application is there itself, and stays.
    else if (socket.connected)
      socket.emit('authenticate', { token }, (answer?: Answer<unknown>) => finish(answer?.ok === true))
    else {
      const taken = () => finish(true)
      const refused = () => finish(false)
      const stopDeadline = end
      end = () => {
        stopDeadline()
        socket.off('connect', taken).off('connect_error', refused).disconnect()
      }
      socket.auth = { token, pid: undefined, offset: undefined }
      socket.on('connect', taken).on('connect_error', refused).connect()
    }
  }

  return {
    begin() {
      if (isUnderWay) return
      isUnderWay = true
      question += 1
      const mine = question
      end = parts.clock.after(parts.timeoutMs, stop)
      parts.ask().then(
        (token) => {
          if (mine === question) show(token)
        },
        () => {
          if (mine === question) stop()
        },
      )
    },
    stop,
  }
}
