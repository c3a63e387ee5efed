/** Something to press. `strong` is the one of a page that matters. */
import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react'
import { Hint } from './Hint.tsx'
import './button.css'

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly look?: 'plain' | 'strong' | 'quiet'
  readonly icon?: ReactNode
  readonly ref?: Ref<HTMLButtonElement>
}

export function Button({ look = 'plain', icon, children, className = '', ...rest }: ButtonProps) {
  return (
    <button type="button" className={`button button-${look} ${className}`} {...rest}>
      {icon}
      {children}
    </button>
  )
}

interface IconButtonProps extends Omit<ButtonProps, 'children' | 'icon'> {
  /** What it does; its name for everybody who does not see the icon, and its hint for everybody who does. */
  readonly label: string
  readonly icon: ReactNode
}

export function IconButton({ label, icon, look = 'quiet', className = '', ...rest }: IconButtonProps) {
  return (
    <Hint text={label}>
      <button
        type="button"
        className={`button button-${look} button-icon ${className}`}
        aria-label={label}
        {...rest}
      >
        {icon}
      </button>
    </Hint>
  )
}
