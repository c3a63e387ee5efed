/** Notifications: what concerns one person, kept until it was read, and seen at once where they are. */
import { z } from 'zod'
import { idLengthMax } from './define/ids.ts'
import { cursorLengthMax } from './define/meta.ts'
import { command, defineNamespace, latest, stream } from './define/namespace.ts'
import { roomIdShape } from './define/rooms.ts'

/** From what must not wait to what may. */
export const priorities = ['critical', 'high', 'normal', 'low'] as const

export const notificationTypeMax = 50
export const notificationTitleMax = 255
export const notificationMessageMax = 4_000
/** Of `data` and `actions` as JSON, so that a notification fits into an event. */
export const notificationDataBytesMax = 8 * 1_024

/** Of all of it as JSON, where a character of a text may take six bytes. */
const notificationBytesMax = 40 * 1_024

/** Whoever may send them; operators may anyway. */
export const sendPermission = 'notifications:send'

/** Text of at most so many characters; the one that no database holds is refused. */
const text = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[^\0]*$/, 'has a NUL character')
const word = text(notificationTypeMax).min(1)
/** As tokens name them, and rooms. */
const id = z.string().min(1).max(idLengthMax).regex(roomIdShape, 'has control characters')

/** A button: a link to follow, or a word for the application. */
const action = z.object({
  id: text(50).min(1),
  label: text(100).min(1),
  url: z.url().max(2_000).optional(),
})

export const notification = z
  .object({
    /** One for all who got it; read and dismissed is a matter of each. */
    id: z.uuid(),
    type: word.meta({ examples: ['mention'] }),
    category: word.meta({ examples: ['general'] }),
    priority: z.enum(priorities),
    title: z.string().min(1).max(notificationTitleMax),
    message: z.string().max(notificationMessageMax).nullable(),
    data: z.record(z.string(), z.unknown()),
    actions: z.array(action).max(5),
    workspaceId: z.string().nullable(),
    readAt: z.iso.datetime().nullable(),
    expiresAt: z.iso.datetime().nullable(),
    createdAt: z.iso.datetime(),
  })
  .meta({
    examples: [
      {
        id: '0b0f6b6e-6a52-4b7e-9a52-2f0d5a3c9e11',
        type: 'mention',
        category: 'posts',
        priority: 'normal',
        title: 'Bob mentioned you',
        message: 'Could you look at the third paragraph?',
        data: { postId: 'post-17' },
        actions: [{ id: 'open', label: 'Open the post', url: 'https://app.example.com/posts/17' }],
        workspaceId: null,
        readAt: null,
        expiresAt: null,
        createdAt: '2026-01-31T09:30:00.000Z',
      },
    ],
  })

const one = z.object({ notificationId: z.uuid() })

/** How many are unread. A count with a lower revision than one that was seen is older, whenever it arrives. */
export const unreadCount = z.object({ unread: z.int().min(0), revision: z.int().min(0) })

export const notificationFilter = z.object({
  read: z.boolean().optional(),
  type: word.optional(),
  category: word.optional(),
  priority: z.enum(priorities).optional(),
})

export const notificationListMax = 100

const page = z.object({
  limit: z.int().min(1).max(notificationListMax).default(20),
  /** `nextCursor` of the page before. */
  cursor: z.string().max(100).optional(),
})

export const notificationList = z.object({
  /** The newest first. */
  notifications: z.array(notification),
  nextCursor: z.string().nullable(),
  unread: z.int(),
  revision: z.int(),
  /** Where the namespace stood when the list was read: what comes later has a later `_meta.id`. */
  position: z.string().max(cursorLengthMax),
})

/** What became of one, or of several at once. */
const changed = unreadCount.extend({ changed: z.int() })

export const notificationsNamespace = defineNamespace({
  name: '/notifications',
  summary: 'What concerns one person. Each gets their own and nobody else’s.',
  durable: true,
  // What they tell is stored first: by whoever sends a notification, and by nobody who only publishes.
  events: {
    'notification:new': stream(notification, {
      summary: 'There is a new one.',
      rooms: ['user'],
      by: 'server',
      maxBytes: notificationBytesMax,
    }),
    'notification:update': stream(
      z.object({
        id: z.uuid(),
        readAt: z.iso.datetime().nullable().optional(),
        /** It is not listed any more. */
        isGone: z.boolean().optional(),
      }),
      { summary: 'One was read, is unread again, was dismissed or deleted.', rooms: ['user'], by: 'server' },
    ),
    'notification:allRead': stream(
      z.object({
        readAt: z.iso.datetime(),
        /** Only those of this category; absent: all. */
        category: word.optional(),
      }),
      { summary: 'All that were created before `readAt` are read.', rooms: ['user'], by: 'server' },
    ),
    'notification:unreadCount': latest(unreadCount, {
      summary: 'How many are unread, whenever that changes.',
      rooms: ['user'],
      by: 'server',
      key: () => 'unread',
    }),
  },
  commands: {
    'notification:getAll': command({
      summary: 'A page of one’s own, the newest first.',
      input: page.extend(notificationFilter.shape),
      output: notificationList,
    }),
    'notification:markRead': command({ summary: 'It was read.', input: one, output: changed }),
    'notification:markUnread': command({ summary: 'It is unread again.', input: one, output: changed }),
    'notification:markAllRead': command({
      summary: 'All were read, or all of a category.',
      input: z.object({ category: word.optional() }),
      output: changed,
    }),
    'notification:dismiss': command({
      summary: 'It is not to be listed any more, and is kept.',
      input: one,
      output: changed,
    }),
    'notification:delete': command({ summary: 'It is deleted.', input: one, output: changed }),
  },
})

/** Users of one notification, at most; whoever has more sends again. */
export const recipientsMax = 10_000

export const sendNotificationRequest = z
  .object({
    userId: id.optional(),
    userIds: z.array(id).min(1).max(recipientsMax).optional(),
    /** Everybody who was ever connected as a member of this workspace. */
    workspaceId: id.optional(),
    type: word,
    title: text(notificationTitleMax).min(1),
    message: text(notificationMessageMax).optional(),
    data: z.record(z.string(), z.unknown()).default({}),
    priority: z.enum(priorities).default('normal'),
    category: word.default('general'),
    actions: z.array(action).max(5).default([]),
    /** Not listed and not delivered after it. */
    expiresAt: z.iso.datetime({ offset: true }).optional(),
    /** Of your making: the same again with the same key within a day sends nothing more. */
    key: text(200).min(1).optional(),
  })
  .refine(({ userId, userIds, workspaceId }) => (userId ?? userIds ?? workspaceId) !== undefined, {
    message: 'says who gets it: userId, userIds or workspaceId',
    path: ['userId'],
  })

export const sendNotificationReply = z.object({
  /** Of the notification; of the first one, if it was sent before under this key. */
  id: z.uuid(),
  recipients: z.int(),
  repeated: z.boolean(),
})

const pageQuery = {
  limit: z.coerce.number().int().min(1).max(notificationListMax).default(20),
  /** `nextCursor` of the page before. */
  cursor: z.string().max(100).optional(),
}

export const notificationQuery = z.object({
  ...pageQuery,
  read: z.stringbool().optional(),
  type: word.optional(),
  category: word.optional(),
  priority: z.enum(priorities).optional(),
})

export const notificationParams = z.object({ id: z.uuid() })
export const readAllRequest = z.object({ category: word.optional() }).default({})
export const notificationChange = changed

/** What became of one, for one user. Dismissed goes before expired, and expired before read. */
export const notificationStates = ['unread', 'read', 'dismissed', 'expired'] as const
const state = z.enum(notificationStates)
const countByState = z.object({ unread: z.int(), read: z.int(), dismissed: z.int(), expired: z.int() })

/** An inbox as operators see it: with what its owner is not shown any more. */
export const inboxQuery = z.object({
  ...pageQuery,
  userId: id,
  state: state.optional(),
  type: word.optional(),
  category: word.optional(),
  priority: z.enum(priorities).optional(),
})

/** Rows of one inbox that are counted, at most: far more than people keep. */
export const inboxCountedMax = 20_000

export const inboxView = z.object({
  userId: z.string(),
  /** Of this user on this server, at this moment. */
  sessions: z.int(),
  /** The newest first. */
  notifications: z.array(notification.extend({ state, dismissedAt: z.iso.datetime().nullable() })),
  nextCursor: z.string().nullable(),
  /** What the user is told. */
  told: unreadCount,
  /** What the rows say to that: the unread ones, with those that expired and are removed within seconds. */
  counted: z.int(),
  states: countByState,
  /** False where there are more rows than are counted. */
  isWhole: z.boolean(),
})

export const inboxUsersQuery = z.object({ startsWith: text(idLengthMax) })
export const inboxUsersShownMax = 10
/** Who is connected or has an inbox, for whoever begins to write an id. */
export const inboxUsers = z.object({ users: z.array(z.object({ userId: z.string(), sessions: z.int() })) })

export const sentQuery = z.object(pageQuery)

/** Users who read one, as lists count them: beyond it they say "or more". */
export const readCountMax = 1_000

/** One that was sent, to however many. Kept as long as notifications are, also when all of them are deleted. */
const sentNotification = z.object({
  id: z.uuid(),
  /** Who sent it; empty: the program that hosts Belfry. */
  sender: z.string(),
  type: z.string(),
  category: z.string(),
  priority: z.enum(priorities),
  title: z.string(),
  workspaceId: z.string().nullable(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
  recipients: z.int(),
  /** Who read it and has not deleted it; counted up to 1,000. */
  read: z.int(),
})

export const sentList = z.object({
  /** The newest first. */
  sent: z.array(sentNotification),
  nextCursor: z.string().nullable(),
})

export const sentDetails = sentNotification.extend({
  /** Absent when nobody has it any more. */
  content: notification.pick({ message: true, data: true, actions: true }).nullable(),
  states: countByState,
  /** Who deleted it, or had it removed because it expired. */
  gone: z.int(),
})

export const recipientsQuery = z.object({
  ...pageQuery,
  /** The last user of the page before. */
  cursor: id.optional(),
  state: state.optional(),
  userId: id.optional(),
})

export const recipientList = z.object({
  recipients: z.array(
    z.object({
      userId: z.string(),
      state,
      storedAt: z.iso.datetime(),
      readAt: z.iso.datetime().nullable(),
      dismissedAt: z.iso.datetime().nullable(),
      /** Of this user on this server, at this moment. */
      sessions: z.int(),
    }),
  ),
  nextCursor: z.string().nullable(),
})

export type Notification = z.infer<typeof notification>
export type NotificationFilter = z.infer<typeof notificationFilter>
export type NotificationList = z.infer<typeof notificationList>
export type NotificationChange = z.infer<typeof changed>
export type UnreadCount = z.infer<typeof unreadCount>
/** As a sender writes it; a request is the same with what it left out. */
export type SendNotificationInput = z.input<typeof sendNotificationRequest>
export type SendNotificationRequest = z.infer<typeof sendNotificationRequest>
export type SendNotificationReply = z.infer<typeof sendNotificationReply>
export type NotificationState = z.infer<typeof state>
export type InboxQuery = z.infer<typeof inboxQuery>
export type InboxView = z.infer<typeof inboxView>
export type InboxUsers = z.infer<typeof inboxUsers>
export type SentQuery = z.infer<typeof sentQuery>
export type SentNotification = z.infer<typeof sentNotification>
export type SentList = z.infer<typeof sentList>
export type SentDetails = z.infer<typeof sentDetails>
export type RecipientsQuery = z.infer<typeof recipientsQuery>
export type RecipientList = z.infer<typeof recipientList>
