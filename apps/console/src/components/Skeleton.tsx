/** The outline of what is being read. Said once to those who listen, drawn for those who look. */
import './skeleton.css'

export function Skeleton({ what, heights }: { what: string; heights: readonly string[] }) {
  return (
    <div className="skeleton">
      <output className="visually-hidden">Reading {what}…</output>
      {heights.map((blockSize, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the bars are alike and never change places
        <div key={index} className="skeleton-bar" style={{ blockSize }} />
      ))}
    </div>
  )
}
