/** The pages one can go to, in the order they are shown, and the key that goes there after `g`. */
import {
  Bell,
  BookOpenText,
  Cable,
  Database,
  Gauge,
  type LucideIcon,
  Megaphone,
  ScrollText,
  SlidersHorizontal,
  TriangleAlert,
} from 'lucide-react'

export interface Entry {
  readonly href: string
  readonly title: string
  readonly icon: LucideIcon
  readonly key: string
  /** A narrow screen has room for five: the others stand under "More". */
  readonly isUnderMore?: boolean
}

export const serverEntries: readonly Entry[] = [
  { href: '/', title: 'Overview', icon: Gauge, key: 'o' },
  { href: '/database', title: 'Database', icon: Database, key: 'd', isUnderMore: true },
  { href: '/settings', title: 'Settings', icon: SlidersHorizontal, key: 's', isUnderMore: true },
]

export const socketEntries: readonly Entry[] = [
  { href: '/connections', title: 'Connections', icon: Cable, key: 'c' },
  { href: '/events', title: 'Events', icon: ScrollText, key: 'v' },
  { href: '/publish', title: 'Publish', icon: Megaphone, key: 'p' },
  { href: '/notifications', title: 'Notifications', icon: Bell, key: 'n', isUnderMore: true },
]

export const operatorEntries: readonly Entry[] = [...serverEntries, ...socketEntries]

export const referenceEntries: readonly Entry[] = [
  { href: '/docs', title: 'API', icon: BookOpenText, key: 'a', isUnderMore: true },
  { href: '/docs/errors', title: 'Errors', icon: TriangleAlert, key: 'e', isUnderMore: true },
]
