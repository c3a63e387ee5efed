/** Nobody is connected: how the first client comes in, ready to be copied. */
import type { SettingsView } from '@belfry/contract'
import { CopyButton } from '../../components/CopyButton.tsx'
import { EmptyState } from '../../components/EmptyState.tsx'
import { useResource } from '../../data/resource.ts'
import '../../components/code-block.css'

const library = 'socket.io-client'
const command = 'belfry token --sub ana --name "Ana"'

export function FirstClient() {
  const settings = useResource<SettingsView>('/api/v1/system/settings')
  const code = clientCode(socketAddress(settings.value))
  return (
    <div className="first-client">
      <EmptyState title="Nobody is connected yet">
        Any client of Socket.IO 3 or 4 can connect with a token. It is listed here as soon as it is there.
      </EmptyState>
      <ol className="first-client-steps">
        <li>
          <h3>Make a token, on the machine where the server runs</h3>
          <div className="command">
            <code>{command}</code>
            <CopyButton text={command} label="Copy the command" />
          </div>
        </li>
        <li>
          <h3>
            Connect with it, with the package <code>{library}</code>
          </h3>
          <div className="first-client-code">
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines are scrolled with the keyboard, too */}
            <pre className="code-block" tabIndex={0}>
              {code}
            </pre>
            <CopyButton text={code} label="Copy the code" wide />
          </div>
        </li>
      </ol>
    </div>
  )
}

function clientCode(address: string): string {
  return [
    `import { io } from '${library}'`,
    `const socket = io('${address}/realtime', { auth: { token: 'THE TOKEN' } })`,
    "socket.on('system:message', (message) => console.log(message))",
  ].join('\n')
}

/** Sockets may have a port of their own. */
function socketAddress(view: SettingsView | undefined): string {
  const port = view?.settings.find(({ name }) => name === 'SOCKET_PORT')?.value ?? ''
  if (!/^[1-9]\d*$/.test(port)) return location.origin
  return `${location.protocol}//${location.hostname}:${port}`
}
