/** An engine that lets everybody in, writes down what a transport tells it, and sends what a test wants sent. */
import type { Refusal, SessionId } from '@belfry/contract'
import type {
  CloseReason,
  Connection,
  ConnectionHandler,
  IncomingCommand,
  LeaveReason,
  Link,
  TransportHandler,
} from '../ports/transport.ts'

export interface RecordedSession {
  readonly link: Link
  readonly namespace: string
  readonly auth: Readonly<Record<string, unknown>>
  readonly commands: IncomingCommand[]
  readonly left: LeaveReason[]
  /** Lets the client in. */
  accept(): void
}

export interface RecordedConnection {
  readonly connection: Connection
  readonly sessions: RecordedSession[]
  readonly closed: CloseReason[]
  /** `enter /a`, `command /a name`, `left /a reason`, `closed reason`. */
  readonly calls: string[]
}

export class RecordingEngine implements TransportHandler {
  readonly connections: RecordedConnection[] = []
  /** Keeps everybody outside. */
  door: Refusal | undefined
  /** Lets in at once, if the test does not say otherwise. */
  onEnter: (session: RecordedSession) => void = (session) => session.accept()
  onCommand: (session: RecordedSession, command: IncomingCommand) => void = () => undefined
  onRoom: (session: RecordedSession) => void = () => undefined
  #isSending = false
  #sessions = 0

  open(connection: Connection): ConnectionHandler | Refusal {
    this.#refuseWhileSending('open')
    if (this.door !== undefined) return this.door
    const recorded: RecordedConnection = { connection, sessions: [], closed: [], calls: [] }
    this.connections.push(recorded)
    return {
      enter: (link, namespace, auth) => {
        this.#refuseWhileSending('enter')
        recorded.calls.push(`enter ${namespace}`)
        const session = this.#sessionOf(recorded, link, namespace, auth)
        recorded.sessions.push(session)
        this.onEnter(session)
      },
      closed: (reason) => {
        this.#refuseWhileSending('closed')
        recorded.calls.push(`closed ${reason}`)
        recorded.closed.push(reason)
      },
    }
  }

  /** The engine does not expect to be called from within (TR4), and sending never throws. */
  sending<Result>(send: () => Result): Result {
    this.#isSending = true
    try {
      return send()
    } finally {
      this.#isSending = false
    }
  }

  #sessionOf(
    { calls }: RecordedConnection,
    link: Link,
    namespace: string,
    auth: Readonly<Record<string, unknown>>,
  ): RecordedSession {
    const left: LeaveReason[] = []
    const commands: IncomingCommand[] = []
    this.#sessions += 1
    const id = `session-${this.#sessions}` as SessionId
    const session: RecordedSession = {
      link,
      namespace,
      auth,
      commands,
      left,
      accept: () => {
        const cursorMode =
          typeof auth['recover'] === 'boolean' ? auth['recover'] : link.connection.takesCursor
        const handler = {
          command: (command: IncomingCommand) => {
            this.#refuseWhileSending('command')
            calls.push(`command ${namespace} ${command.name}`)
            commands.push(command)
            this.onCommand(session, command)
          },
          hasRoom: () => {
            this.#refuseWhileSending('hasRoom')
            calls.push(`room ${namespace}`)
            this.onRoom(session)
          },
          left: (reason: LeaveReason) => {
            this.#refuseWhileSending('left')
            calls.push(`left ${namespace} ${reason}`)
            left.push(reason)
          },
        }
        link.accept(handler, { id, pid: `pid-of-${id}`, cursorMode })
      },
    }
    return session
  }

  /** Noted and not only thrown: a transport may swallow it. */
  #refuseWhileSending(call: string): void {
    if (!this.#isSending) return
    this.calledWhileSending.push(call)
    throw new Error(`The engine was called (${call}) while it was sending.`)
  }

  readonly calledWhileSending: string[] = []
}
