/** The console's start: takes a sign-in link's token out of the address before anything else can see it, then draws. */
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './App.tsx'
import { checkSession, signIn } from './data/session.ts'
import { takeSignInToken } from './data/sign-in-link.ts'
import './design/base.css'
import './design/tokens.css'

const token = takeSignInToken()
if (token === undefined) void checkSession()
else void signIn(token)

// A link opened in a tab that shows the console already changes only the fragment: the page is not loaded again.
addEventListener('hashchange', () => {
  const another = takeSignInToken()
  if (another !== undefined) void signIn(another)
})

const root = document.getElementById('root')
if (root === null) throw new Error('The page has no #root.')
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
