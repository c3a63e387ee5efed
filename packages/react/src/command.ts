/**
 * A command of a namespace, with the state of the one that was given last:
 *
 *   idle → pending → done, failed → pending …      given up by its signal: idle
 *
 * Each is sent, and each has its own answer. What is shown is the last one's: an earlier one that is answered later does
 * not change it. One that is under way when the component goes is not broken off.
 */
import {
  CommandError,
  type LiveAnswer,
  type LiveCommand,
  type LiveInput,
  type WaitingCommand,
} from '@belfry/client'
import type { NamespaceContract } from '@belfry/contract'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useLive } from './namespace.ts'
import { useNewest } from './newest.ts'
import { useBelfry } from './provider.tsx'
import { constant, useReadable } from './readable.ts'

export interface CommandState<Answer> {
  readonly status: 'idle' | 'pending' | 'done' | 'failed'
  /** The newest answer, which stays while the next one is under way, and when that fails. */
  readonly data: Answer | undefined
  /** Of the one that was given last. */
  readonly error: CommandError | undefined
}

export interface Command<N extends NamespaceContract, Name extends LiveCommand<N>>
  extends CommandState<LiveAnswer<N, Name>> {
  /** Rejects as `live.command` does; whoever looks at `error` instead need not catch it. */
  run(...input: LiveInput<N, Name>): Promise<LiveAnswer<N, Name>>
}

export function useCommand<N extends NamespaceContract, Name extends LiveCommand<N>>(
  contract: N,
  command: Name,
): Command<N, Name> {
  const { client } = useBelfry()
  const live = useLive(contract)
  const [state, setState] = useState<CommandState<LiveAnswer<N, Name>>>(nothing)
  const newestRun = useRef(0)
  const newestClient = useNewest(client)
  const [clientBefore, setClientBefore] = useState(client)
  if (clientBefore !== client) {
    // Somebody else is signed in: the answers before were not theirs.
    setClientBefore(client)
    setState(nothing)
  }

  // So that a command needs not wait until the namespace is open.
  useEffect(() => {
    live?.open()
    return () => live?.close()
  }, [live])

  const run = useCallback(
    (...input: LiveInput<N, Name>) => {
      newestRun.current += 1
      const mine = newestRun.current
      const change = (to: Partial<CommandState<LiveAnswer<N, Name>>>) => {
        if (mine === newestRun.current && client === newestClient.current)
          setState((before) => ({ ...before, error: undefined, ...to }))
      }
      const answer = async () => {
        if (client === undefined) throw nobodySignedIn()
        // Its own, which stays until the answer: the component may go before that.
        const own = client.namespace(contract)
        try {
          return await own.command(command, ...input)
        } finally {
          own.close()
        }
      }
      change({ status: 'pending' })
      const answered = answer()
      answered.then(
        (data) => change({ status: 'done', data }),
        (error: unknown) =>
          change(error instanceof CommandError ? { status: 'failed', error } : { status: 'idle' }),
      )
      return answered
    },
    [client, contract, command, newestClient],
  )
  return useMemo(() => ({ ...state, run }), [state, run])
}

/** Those of a namespace that wait for a line: "3 changes are waiting". Opens nothing. */
export function useWaitingCommands(contract: NamespaceContract): readonly WaitingCommand[] {
  return useReadable(useLive(contract)?.waiting ?? nobody, none)
}

const none: readonly WaitingCommand[] = []
const nobody = constant(none)
const nothing = { status: 'idle', data: undefined, error: undefined } as const

export function nobodySignedIn(): CommandError {
  return new CommandError({ code: 'unauthenticated', message: 'Nobody is signed in.', retry: false })
}
