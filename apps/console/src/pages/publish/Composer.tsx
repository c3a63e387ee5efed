/** One event on its way: the choice of it, its target and its payload on one side, what will be sent on the other. */
import type { FieldError, PublishableEvents } from '@belfry/contract'
import { Send } from 'lucide-react'
import { useMemo, useState } from 'react'
import { Button } from '../../components/Button.tsx'
import { Card } from '../../components/Card.tsx'
import { CopyButton } from '../../components/CopyButton.tsx'
import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { Kbd } from '../../components/Kbd.tsx'
import { useSendKey } from '../../components/send-key.ts'
import { useWrongField } from '../../components/wrong-field.ts'
import { type Failure, failureFrom } from '../../data/api.ts'
import { isSignedOut, sessionEnded } from '../../data/session.ts'
import { plural, sizeText } from '../../format.ts'
import { useQuery } from '../../router.tsx'
import { type Answer, Answers } from './Answers.tsx'
import {
  type Draft,
  fieldsOf,
  finishedPart,
  isFields,
  type Path,
  placed,
  problemsOf,
  Unfinished,
} from './draft.ts'
import { draftOf, keepDraft, keyOf, type PublishableEvent, type WrittenDraft } from './drafts.ts'
import { EventForm, type Mode } from './EventForm.tsx'
import { readShape } from './shape.ts'
import { TargetFields } from './TargetFields.tsx'
import { type Audience, audiencesOf, nameOf, problemOf, publish, roomKindsOf, type Target } from './target.ts'
import '../../components/code-block.css'

export type PublishableNamespace = PublishableEvents['namespaces'][number]

interface ComposerProps {
  readonly namespaces: readonly PublishableNamespace[]
  readonly namespace: PublishableNamespace
  readonly event: PublishableEvent
  readonly onNamespace: (next: string) => void
  readonly onEvent: (next: string) => void
}

interface Wrong {
  /** By place in the payload; '' is the payload as a whole. */
  readonly byField: ReadonlyMap<Path, string>
  readonly target: string | undefined
  /** What the server said; absent when nothing was sent. */
  readonly failure: Failure | undefined
}

const nothingWrong: Wrong = { byField: new Map(), target: undefined, failure: undefined }

export function Composer({ namespaces, namespace, event, onNamespace, onEvent }: ComposerProps) {
  const key = keyOf(namespace.name, event)
  const shape = useMemo(() => readShape(event.schema), [event])
  const [written, setWritten] = useState(() => draftOf(key, event, shape))
  const [target, setTarget] = useTarget(event)
  const [wrong, setWrong] = useState(nothingWrong)
  const [isBusy, setBusy] = useState(false)
  const [answers, setAnswers] = useState<readonly Answer[]>([])
  const { draft, mode, epoch } = written
  const { form, focusWrong } = useWrongField()

  const write = (next: WrittenDraft): void => {
    setWritten(next)
    keepDraft(key, next)
  }
  const refuse = (next: Wrong): void => {
    setWrong(next)
    focusWrong()
  }

  const changeMode = (next: Mode): void => {
    if (next === 'form' && !isFields(draft))
      refuse({ ...nothingWrong, byField: new Map([['', noObject(draft)]]) })
    else {
      setWrong(nothingWrong)
      write({ draft, mode: next, epoch: epoch + 1 })
    }
  }

  const send = async (): Promise<void> => {
    if (isBusy) return
    const fields = new Set(mode === 'form' ? fieldsOf(shape, draft) : [])
    const problems = isFields(draft) ? problemsOf(draft) : [{ path: '', message: noObject(draft) }]
    const targetProblem = problemOf(target)
    if (problems.length > 0 || targetProblem !== undefined) {
      refuse({ byField: told(problems, fields), target: targetProblem, failure: undefined })
      return
    }
    setBusy(true)
    try {
      const reply = await publish(target, { namespace: namespace.name, event: event.name, data: draft })
      setWrong(nothingWrong)
      setAnswers((before) => [answerOf(reply, event.name, target), ...before].slice(0, answersShown))
    } catch (thrown) {
      if (isSignedOut(thrown)) sessionEnded()
      const failure = failureFrom(thrown)
      const [ofTarget, ofPayload] = split(failure.fields ?? [])
      refuse({ byField: told(ofPayload, fields), target: ofTarget, failure })
    }
    setBusy(false)
  }

  useSendKey(() => void send())

  const unfinished = problemsOf(draft).length
  const payload = finishedPart(draft)
  return (
    <div className="publish" ref={form}>
      <div className="publish-side">
        <TargetFields
          namespaces={namespaces}
          namespace={namespace}
          event={event}
          target={target}
          error={wrong.target}
          onNamespace={onNamespace}
          onEvent={onEvent}
          onTarget={(next) => {
            setTarget(next)
            setWrong({ ...wrong, target: undefined })
          }}
        />
        <EventForm
          shape={shape}
          draft={draft}
          epoch={epoch}
          mode={mode}
          errors={wrong.byField}
          onMode={changeMode}
          onChange={(next, changed) => {
            write({ ...written, draft: next })
            setWrong({ ...wrong, byField: without(wrong.byField, changed) })
          }}
          onExample={() => {
            setWrong(nothingWrong)
            write({ draft: event.example, mode, epoch: epoch + 1 })
          }}
        />
      </div>
      <div className="publish-side publish-outcome">
        <Card
          title="What is sent"
          actions={
            payload !== '' && (
              <>
                <span className="muted figures">
                  {sizeText(new TextEncoder().encode(compact(draft)).length)}
                </span>
                <CopyButton text={payload} label="Copy the JSON" />
              </>
            )
          }
        >
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines are scrolled with the keyboard, too */}
          <pre className="code-block publish-preview" tabIndex={0}>
            {payload}
          </pre>
          {unfinished > 0 && (
            <p className="muted publish-note">
              {plural(unfinished, 'field is', 'fields are')} not finished and not shown here.
            </p>
          )}
          <div className="publish-send">
            <Button
              look="strong"
              icon={<Send size="0.9375rem" aria-hidden="true" />}
              aria-disabled={isBusy}
              aria-keyshortcuts="Control+Enter"
              onClick={() => void send()}
            >
              <span>
                Publish to <bdi>{nameOf(target)}</bdi>
              </span>
            </Button>
            <span className="publish-keys" aria-hidden="true">
              <Kbd>Ctrl</Kbd> <Kbd>Enter</Kbd>
            </span>
          </div>
        </Card>
        <Refused wrong={wrong} />
        <Answers answers={answers} />
      </div>
    </div>
  )
}

/** What one still compares with. */
const answersShown = 5

let lastAnswer = 0

function answerOf(
  { recipients, cursor }: { recipients: number; cursor: string },
  event: string,
  target: Target,
): Answer {
  lastAnswer += 1
  return { id: lastAnswer, at: Date.now(), event, target: nameOf(target), recipients, cursor }
}

function Refused({ wrong: { byField, target, failure } }: { wrong: Wrong }) {
  if (failure !== undefined) return <ErrorNotice title="Nothing was published" failure={failure} />
  const count = byField.size + (target === undefined ? 0 : 1)
  if (count === 0) return null
  return (
    <p className="publish-refused" role="alert">
      Nothing was published: {plural(count, 'field needs', 'fields need')} to be finished first.
    </p>
  )
}

/** The target in the address: it survives a reload and can be linked to. */
function useTarget(event: PublishableEvent): readonly [Target, (next: Target) => void] {
  const [askedAudience, setAudience] = useQuery('to')
  const [id, setId] = useQuery('id')
  const [askedKind, setKind] = useQuery('kind')
  const audiences = audiencesOf(event.rooms)
  const kinds = roomKindsOf(event.rooms)
  const audience: Audience = audiences.find((one) => one === askedAudience) ?? audiences[0] ?? 'everyone'
  const kind = kinds.find((one) => one === askedKind) ?? kinds[0] ?? ''
  return [
    { audience, id: audience === 'everyone' ? '' : id, kind },
    (next) => {
      // Each change is written to the history, of which browsers take only so many.
      if (next.audience !== audience) setAudience(next.audience)
      if (next.id !== id) setId(next.id)
      if (next.kind !== kind) setKind(next.kind)
    },
  ]
}

function noObject(draft: Draft): string {
  return draft instanceof Unfinished ? draft.problem : 'A payload is an object: { … }.'
}

function compact(draft: Draft): string {
  const text = finishedPart(draft)
  return text === '' ? '' : JSON.stringify(JSON.parse(text))
}

/** Beside the fields; what belongs to none of them, beside the payload as a whole. */
function told(messages: readonly FieldError[], fields: ReadonlySet<Path>): ReadonlyMap<Path, string> {
  const { byField, rest } = placed(messages, fields)
  if (rest.length === 0) return byField
  const whole = rest.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join(' ')
  return new Map([...byField, ['', whole]])
}

/** The server names what is wrong with the target by its places in the request. */
const targetPaths = /^(params\.id|body\.workspaceId|rooms)$/

function split(fields: readonly FieldError[]): readonly [string | undefined, readonly FieldError[]] {
  const ofTarget = fields.filter(({ path }) => targetPaths.test(path))
  return [
    ofTarget.length === 0 ? undefined : ofTarget.map(({ message }) => message).join(' '),
    fields.filter((field) => !ofTarget.includes(field)),
  ]
}

/** What was said about a place and all within it, and about the payload as a whole. */
function without(errors: ReadonlyMap<Path, string>, changed: Path): ReadonlyMap<Path, string> {
  return new Map(
    [...errors].filter(([path]) => path !== '' && path !== changed && !path.startsWith(`${changed}.`)),
  )
}
