/** What was sent from this page, the newest first and announced. */
import type { SendNotificationReply } from '@belfry/contract'
import { Button } from '../../components/Button.tsx'
import { Card } from '../../components/Card.tsx'
import { clockTime, plural } from '../../format.ts'
import type { NotificationDraft } from './draft.ts'
import { DeliveryLink } from './links.tsx'

export interface Answer {
  readonly reply: SendNotificationReply
  readonly draft: NotificationDraft
  readonly at: number
}

interface SentAnswersProps {
  readonly answers: readonly Answer[]
  readonly onAgain: (draft: NotificationDraft) => void
}

export function SentAnswers({ answers, onAgain }: SentAnswersProps) {
  const newest = answers[0]
  return (
    <>
      {/* Always there, so that what enters it is announced. */}
      <div role="status" className="visually-hidden">
        {newest !== undefined && `${clockTime(newest.at)}: sent, ${reach(newest)}`}
      </div>
      {newest !== undefined && (
        <Card title="Sent">
          <ol className="sent-answers">
            {answers.map((answer) => (
              <li key={answer.draft.key}>
                <span className="figures muted">{clockTime(answer.at)}</span>
                <span>
                  <bdi>{answer.draft.title}</bdi>
                  <span className="sent-answer-reach">{reach(answer)}</span>
                  <span className="sent-answer-actions">
                    <DeliveryLink id={answer.reply.id}>
                      See what becomes of it
                      <span className="visually-hidden">: {answer.draft.title}</span>
                    </DeliveryLink>
                    <Button look="quiet" onClick={() => onAgain(answer.draft)}>
                      Write it again
                    </Button>
                  </span>
                </span>
              </li>
            ))}
          </ol>
        </Card>
      )}
    </>
  )
}

function reach({ reply: { recipients, repeated } }: Answer): string {
  const who = recipients === 0 ? 'nobody was there to get it' : `${plural(recipients, 'user')} got it`
  return repeated ? `${who}, with an attempt before this one` : who
}
