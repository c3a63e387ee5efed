/** The mark: a bell hung in the arch of its tower. Decorative wherever it stands beside the name; grows with the text. */
export function Logo({ size }: { size: string }) {
  return (
    <svg className="logo" viewBox="0 0 32 32" width={size} height={size} aria-hidden="true" focusable="false">
      <path className="logo-arch" d="M5 29.5V13a11 11 0 0 1 22 0v16.5" />
      <path className="logo-sill" d="M2.5 29.5h27" />
      <g className="logo-bell">
        <path className="logo-yoke" d="M16 3v6" />
        <path d="M16 8c-3.7 0-5.6 2.7-5.8 6.5-.2 3.1-.7 4.7-2 6-.5.6-.2 1.5.6 1.5h14.4c.8 0 1.1-.9.6-1.5-1.3-1.3-1.8-2.9-2-6C21.6 10.7 19.7 8 16 8z" />
        <path d="M13.6 23.6a2.4 2.4 0 0 0 4.8 0z" />
      </g>
    </svg>
  )
}
