/** The link to a part of a page, beside its heading: shown when the part is pointed at or the link is focused. */
import { Link2 } from 'lucide-react'
import { Link } from '../router.tsx'
import './anchor.css'

export function Anchor({ href, of }: { href: string; of: string }) {
  return (
    <Link className="anchor" href={href} aria-label={`Link to ${of}`}>
      <Link2 size="1rem" aria-hidden="true" />
    </Link>
  )
}
