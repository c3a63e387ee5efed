/** One notification on its way: what it says and to whom on one side, how it will look on the other. */
import type { SendNotificationReply } from '@belfry/contract'
import { Send } from 'lucide-react'
import { useRef, useState } from 'react'
import { Button } from '../../components/Button.tsx'
import { Card } from '../../components/Card.tsx'
import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { Kbd } from '../../components/Kbd.tsx'
import { useSendKey } from '../../components/send-key.ts'
import { useWrongField } from '../../components/wrong-field.ts'
import { type Failure, failureFrom, request } from '../../data/api.ts'
import { isSignedOut, sessionEnded } from '../../data/session.ts'
import { plural } from '../../format.ts'
import { ContentFields } from './ContentFields.tsx'
import {
  blankDraft,
  formPlaces,
  keepDraft,
  keptDraft,
  type NotificationDraft,
  nameOf,
  newKey,
  type Problems,
  placed,
  requestOf,
} from './draft.ts'
import { NotificationPreviews } from './NotificationPreview.tsx'
import { RecipientFields } from './RecipientFields.tsx'
import { type Answer, SentAnswers } from './SentAnswers.tsx'

interface Wrong {
  readonly problems: Problems
  /** What the server said; absent when nothing was sent. */
  readonly failure: Failure | undefined
}

const nothingWrong: Wrong = { problems: new Map(), failure: undefined }

/** What one still compares with. */
const answersShown = 5

export function Composer() {
  const [draft, setDraft] = useState(keptDraft)
  const [wrong, setWrong] = useState(nothingWrong)
  const [isBusy, setBusy] = useState(false)
  const [answers, setAnswers] = useState<readonly Answer[]>([])
  const { form, focusWrong } = useWrongField()
  const isUnderWay = useRef(false)

  const write = (next: NotificationDraft): void => {
    setDraft(next)
    keepDraft(next)
  }
  const refuse = (next: Wrong): void => {
    setWrong(next)
    focusWrong()
  }

  const send = async (): Promise<void> => {
    // A second press may come before the first has been drawn.
    if (isUnderWay.current) return
    const { request: body, problems } = requestOf(draft, Date.now())
    if (problems.size > 0) {
      refuse({ problems, failure: undefined })
      return
    }
    isUnderWay.current = true
    setBusy(true)
    try {
      const reply = await request<SendNotificationReply>('/api/v1/notifications', { method: 'POST', body })
      setWrong(nothingWrong)
      setAnswers((before) => [{ reply, draft, at: Date.now() }, ...before].slice(0, answersShown))
      // Whoever presses once more has nothing to send.
      const { audience, userId, userIds, workspaceId } = draft
      write({ ...blankDraft(), audience, userId, userIds, workspaceId })
    } catch (thrown) {
      if (isSignedOut(thrown)) sessionEnded()
      const failure = failureFrom(thrown)
      refuse({ problems: placed(failure.fields ?? []), failure })
    }
    isUnderWay.current = false
    setBusy(false)
  }
  useSendKey(() => void send())

  return (
    <div className="compose" ref={form}>
      <div className="compose-side">
        <RecipientFields
          draft={draft}
          problems={wrong.problems}
          onChange={(next) => {
            write(next)
            setWrong({ ...wrong, problems: without(wrong.problems, ['recipients']) })
          }}
        />
        <ContentFields
          draft={draft}
          problems={wrong.problems}
          onChange={(next, changed) => {
            write(next)
            setWrong({ ...wrong, problems: without(wrong.problems, changed) })
          }}
        />
      </div>
      <div className="compose-side compose-outcome">
        <Card title="Preview">
          <Preview draft={draft} />
          <div className="compose-send">
            <Button
              look="strong"
              icon={<Send size="0.9375rem" aria-hidden="true" />}
              aria-disabled={isBusy}
              aria-keyshortcuts="Control+Enter"
              onClick={() => void send()}
            >
              <span>{isBusy ? 'Sending…' : <SendTo draft={draft} />}</span>
            </Button>
            <span className="compose-keys" aria-hidden="true">
              <Kbd>Ctrl</Kbd> <Kbd>Enter</Kbd>
            </span>
          </div>
          <p className="muted compose-note">
            Sent once, however often it is pressed: under the key <code>{draft.key}</code>
          </p>
        </Card>
        <Refused wrong={wrong} onOtherKey={() => write({ ...draft, key: newKey() })} onDone={setWrong} />
        <SentAnswers
          answers={answers}
          onAgain={(again) => {
            setWrong(nothingWrong)
            write({ ...again, key: newKey() })
          }}
        />
      </div>
    </div>
  )
}

function SendTo({ draft }: { draft: NotificationDraft }) {
  return (
    <>
      Send to <bdi>{nameOf(draft)}</bdi>
    </>
  )
}

function Preview({ draft }: { draft: NotificationDraft }) {
  const [openedAt] = useState(() => new Date().toISOString())
  const expiresAt = new Date(draft.expiresAt)
  return (
    <NotificationPreviews
      notification={{
        title: draft.title,
        message: draft.message,
        category: draft.category === '' ? 'general' : draft.category,
        priority: draft.priority,
        actions: draft.actions,
        createdAt: openedAt,
        expiresAt: Number.isNaN(expiresAt.getTime()) ? null : expiresAt.toISOString(),
      }}
    />
  )
}

interface RefusedProps {
  readonly wrong: Wrong
  readonly onOtherKey: () => void
  readonly onDone: (next: Wrong) => void
}

function Refused({ wrong: { problems, failure }, onOtherKey, onDone }: RefusedProps) {
  // All of it stands beside the fields, and goes as they are corrected.
  if (failure === undefined || isPlaced(failure)) {
    if (problems.size === 0) return null
    return (
      <p className="compose-refused" role="alert">
        Nothing was sent: {plural(problems.size, 'field is', 'fields are')} missing or wrong.
      </p>
    )
  }
  if (failure.code === 'unreachable') {
    return (
      <ErrorNotice title="Nobody knows whether it was sent" failure={failure}>
        <p>Send it again as it is: if the first attempt arrived, the second does nothing.</p>
      </ErrorNotice>
    )
  }
  if (failure.code === 'key_reused') {
    return (
      <ErrorNotice title="Sent before, in other words" failure={failure}>
        <p>
          An attempt before this one arrived, and it was changed since.{' '}
          <Button
            onClick={() => {
              onOtherKey()
              onDone(nothingWrong)
            }}
          >
            Make this another notification
          </Button>
        </p>
      </ErrorNotice>
    )
  }
  return <ErrorNotice title="Nothing was sent" failure={failure} />
}

/** Whether each of its mistakes has a field here. */
function isPlaced({ fields = [] }: Failure): boolean {
  return fields.length > 0 && [...placed(fields).keys()].every((place) => formPlaces.test(place))
}

/** What was said about a place and all within it is no longer true. */
function without(problems: Problems, changed: readonly string[]): Problems {
  return new Map(
    [...problems].filter(
      ([place]) => !changed.some((each) => place === each || place.startsWith(`${each}.`)),
    ),
  )
}
