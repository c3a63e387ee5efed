/** Who may be meant by the beginning of an id: those who are connected, and those who have an inbox. */
import type { InboxUsers } from '@belfry/contract'
import { useSettled } from '../../components/settled.ts'
import { useResource } from '../../data/resource.ts'

/** As long as ids may be. */
const lengthMax = 128

export function useUserSuggestions(written: string): InboxUsers['users'] {
  const startsWith = useSettled(written).trim().slice(0, lengthMax).toWellFormed()
  const { value } = useResource<InboxUsers>(
    `/api/v1/notifications/inbox/users?${new URLSearchParams({ startsWith })}`,
  )
  return value?.users ?? []
}
