/** The few drawings that components need, each beside words or with a name on its button. */
import type { ReactNode } from 'react'

const icon = (drawing: ReactNode) => () => (
  <svg
    viewBox="0 0 24 24"
    width="1em"
    height="1em"
    fill="none"
    stroke="currentColor"
    strokeWidth="1.75"
    strokeLinecap="round"
    strokeLinejoin="round"
    aria-hidden="true"
    focusable="false"
  >
    {drawing}
  </svg>
)

export const BellIcon = icon(
  <>
    <path d="M12 2.75v2" />
    <path d="M12 4.75c-3.5 0-5.6 2.5-5.8 6-.2 3-.6 4.4-1.9 5.7-.5.5-.2 1.3.6 1.3h14.2c.8 0 1.1-.8.6-1.3-1.3-1.3-1.7-2.7-1.9-5.7-.2-3.5-2.3-6-5.8-6z" />
    <path d="M9.9 20.5a2.2 2.2 0 0 0 4.2 0" />
  </>,
)
export const CheckIcon = icon(<path d="m5 12.5 4.5 4.5L19 7.5" />)
export const UnreadIcon = icon(<circle cx="12" cy="12" r="4.5" />)
export const DismissIcon = icon(<path d="M6.5 6.5l11 11m0-11l-11 11" />)
export const DeleteIcon = icon(
  <path d="M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.8 12.5h9.4L17.5 7M10.25 11v5m3.5-5v5" />,
)
export const CriticalIcon = icon(
  <path d="M8.3 3.5h7.4l4.8 4.8v7.4l-4.8 4.8H8.3l-4.8-4.8V8.3zM12 8v4.5m0 3.25v.01" />,
)
export const ImportantIcon = icon(<path d="M12 4 2.75 19.5h18.5zM12 10v4.25m0 2.75v.01" />)
export const OfflineIcon = icon(
  <path d="M3 3l18 18M8.5 16.25a5 5 0 0 1 7 0M5 12.5a10 10 0 0 1 4.5-2.5m5.5.25a10 10 0 0 1 4 2.25M12 19.75v.01" />,
)
