/** What became of the last publications, the newest first and announced. */
import { Card } from '../../components/Card.tsx'
import { CopyButton } from '../../components/CopyButton.tsx'
import { clockTime, plural } from '../../format.ts'
import { Link } from '../../router.tsx'

export interface Answer {
  readonly id: number
  readonly at: number
  readonly event: string
  readonly target: string
  readonly recipients: number
  readonly cursor: string
}

export function Answers({ answers }: { answers: readonly Answer[] }) {
  const newest = answers[0]
  return (
    <>
      {/* Always there, so that what enters it is announced. */}
      <div role="status" className="visually-hidden">
        {newest !== undefined && `${clockTime(newest.at)}: published, ${reach(newest)}`}
      </div>
      {newest !== undefined && (
        <Card
          title="Published"
          actions={<Link href={`/events?q=${encodeURIComponent(newest.event)}`}>Show it in the log</Link>}
        >
          <ol className="answers">
            {answers.map((answer) => (
              <li key={answer.id}>
                <span className="figures muted">{clockTime(answer.at)}</span>
                <span>
                  <code dir="auto">{answer.event}</code> to <bdi>{answer.target}</bdi>
                  <span className="answer-reach">
                    {reach(answer)}, cursor <code>{answer.cursor}</code>
                  </span>
                </span>
                <CopyButton text={answer.cursor} label={`Copy the cursor ${answer.cursor}`} />
              </li>
            ))}
          </ol>
        </Card>
      )}
    </>
  )
}

function reach({ recipients }: Answer): string {
  return recipients === 0 ? 'nobody was there to get it' : `${plural(recipients, 'session')} got it`
}
