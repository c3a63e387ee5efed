/** Catches what goes wrong while a page is drawn or loaded, so that the rest of the console stays usable. */
import { Component, type ReactNode } from 'react'
import { Button } from '../components/Button.tsx'
import { EmptyState } from '../components/EmptyState.tsx'

export class Boundary extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false }

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true }
  }

  override render(): ReactNode {
    if (!this.state.broken) return this.props.children
    return (
      <div role="alert">
        <EmptyState title="This page could not be shown">
          <p>The server cannot be reached, or it was updated since the console was opened.</p>
          <p>
            <Button look="strong" onClick={() => location.reload()}>
              Load the console again
            </Button>
          </p>
        </EmptyState>
      </div>
    )
  }
}
