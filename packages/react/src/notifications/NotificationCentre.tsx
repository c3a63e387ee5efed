/** The notifications with what concerns all of them: their categories, and marking them as read. */
import { useId, useState } from 'react'
import { CheckIcon } from '../icons.tsx'
import { useBelfry } from '../provider.tsx'
import { useStatusView } from '../use-status-view.ts'
import type { ActionLinksProps } from './ActionLinks.tsx'
import { NotificationList } from './NotificationList.tsx'
import { Problem, useAttempts } from './problem.tsx'
import { useNotifications } from './use-notifications.ts'

export interface NotificationCentreProps extends Pick<ActionLinksProps, 'onAction'> {
  /** Of its heading. */
  readonly headingId?: string | undefined
}

export function NotificationCentre({ onAction, headingId }: NotificationCentreProps) {
  const { labels } = useBelfry()
  const [category, setCategory] = useState<string>()
  const { status, unread, categories, markAllRead } = useNotifications()
  const { kind } = useStatusView()
  const attempts = useAttempts()
  const action =
    category === undefined ? labels.markAllRead : labels.markCategoryRead(labels.category(category))
  const isOld = status === 'ready' && (kind === 'offline' || kind === 'refused')
  return (
    <div className="belfry-centre">
      <header className="belfry-centre-head">
        <h2 id={headingId}>{labels.notifications}</h2>
        <button
          type="button"
          className="belfry-link"
          // It keeps the focus when there is nothing left to do.
          aria-disabled={unread === 0}
          onClick={() => {
            if (unread > 0) void attempts.attempt(action, markAllRead(category))
          }}
        >
          <CheckIcon />
          {action}
        </button>
      </header>
      <Categories all={categories} chosen={category} onChoose={setCategory} />
      {isOld && <p className="belfry-old">{labels.notUpToDate}</p>}
      <Problem {...attempts} />
      <NotificationList category={category} onAction={onAction} />
    </div>
  )
}

interface CategoriesProps {
  readonly all: readonly string[]
  readonly chosen: string | undefined
  readonly onChoose: (category: string | undefined) => void
}

/** One of a few: radio buttons underneath, so that arrow keys and names come by themselves. */
function Categories({ all, chosen, onChoose }: CategoriesProps) {
  const { labels } = useBelfry()
  const name = useId()
  // The chosen one stays, also when nothing of it is left.
  const shown = chosen === undefined || all.includes(chosen) ? all : [...all, chosen].sort()
  if (shown.length < 2 && chosen === undefined) return null
  return (
    <fieldset className="belfry-categories">
      <legend className="belfry-unseen">{labels.filter}</legend>
      {[undefined, ...shown].map((each) => (
        <label key={each === undefined ? '' : `=${each}`}>
          <input
            type="radio"
            name={name}
            className="belfry-unseen"
            checked={each === chosen}
            onChange={() => onChoose(each)}
          />
          <bdi>{each === undefined ? labels.allCategories : labels.category(each)}</bdi>
        </label>
      ))}
    </fieldset>
  )
}
