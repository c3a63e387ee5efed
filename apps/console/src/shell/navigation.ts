/** The pages one can go to, in the order they are shown, and the key that goes there after `g`. */
import {
  BookOpenText,
  Database,
  Gauge,
  type LucideIcon,
  SlidersHorizontal,
  TriangleAlert,
} from 'lucide-react'

export interface Entry {
  readonly href: string
  readonly title: string
  readonly icon: LucideIcon
  readonly key: string
}

export const operatorEntries: readonly Entry[] = [
  { href: '/', title: 'Overview', icon: Gauge, key: 'o' },
  { href: '/database', title: 'Database', icon: Database, key: 'd' },
  { href: '/settings', title: 'Settings', icon: SlidersHorizontal, key: 's' },
]

export const referenceEntries: readonly Entry[] = [
  { href: '/docs', title: 'API', icon: BookOpenText, key: 'a' },
  { href: '/docs/errors', title: 'Errors', icon: TriangleAlert, key: 'e' },
]
