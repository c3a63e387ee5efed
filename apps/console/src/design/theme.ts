/** The theme: what the operator chose (stored), and what is in force now. */
import { createStore } from '../data/store.ts'

export type ThemeChoice = 'system' | 'light' | 'dark'

const key = 'belfry.theme'
const systemDark = matchMedia('(prefers-color-scheme: dark)')
const otherCauses = ['(prefers-contrast: more)', '(forced-colors: active)'].map((query) => matchMedia(query))

export const themeChoice = createStore<ThemeChoice>(readChoice())

/** Changes whenever colours may have changed; what is drawn on a canvas must be drawn again. */
export const paletteVersion = createStore(0)

export function chooseTheme(choice: ThemeChoice): void {
  themeChoice.set(choice)
  try {
    if (choice === 'system') localStorage.removeItem(key)
    else localStorage.setItem(key, choice)
  } catch {
    // Storage is switched off: the choice lasts as long as the page.
  }
  apply()
}

function apply(): void {
  const choice = themeChoice.get()
  if (choice === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = choice
  paletteVersion.set(paletteVersion.get() + 1)
}

function readChoice(): ThemeChoice {
  try {
    const stored = localStorage.getItem(key)
    return stored === 'light' || stored === 'dark' ? stored : 'system'
  } catch {
    return 'system'
  }
}

for (const media of [systemDark, ...otherCauses]) media.addEventListener('change', apply)
// Another tab changed the theme.
addEventListener('storage', (event) => {
  if (event.key !== key) return
  themeChoice.set(readChoice())
  apply()
})
