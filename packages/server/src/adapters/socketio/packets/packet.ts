/**
 * Packets of Socket.IO 5: what a connection reads and writes, in either encoding. `text-codec.ts` is what every
 * client speaks, `msgpack-codec.ts` is for clients with `socket.io-msgpack-parser`.
 */
export const PacketType = {
  CONNECT: 0,
  DISCONNECT: 1,
  EVENT: 2,
  ACK: 3,
  CONNECT_ERROR: 4,
  BINARY_EVENT: 5,
  BINARY_ACK: 6,
} as const

/**
 * One message of Engine.IO. Text is a packet without the `4` that Engine.IO puts before it; bytes are an attachment
 * of the packet before, or a whole packet as MessagePack.
 */
export type Message = string | Uint8Array

export type InboundPacket = InboundConnect | InboundDisconnect | InboundEvent | InboundAck

export interface InboundConnect {
  readonly type: typeof PacketType.CONNECT
  readonly namespace: string
  readonly auth: Readonly<Record<string, unknown>> | undefined
}

export interface InboundDisconnect {
  readonly type: typeof PacketType.DISCONNECT
  readonly namespace: string
}

/** With or without attachments: these are bytes in `args`. */
export interface InboundEvent extends InboundArgs {
  readonly type: typeof PacketType.EVENT
  /** Absent: the client does not wait for an answer. */
  readonly id: number | undefined
  readonly name: string
}

export interface InboundAck extends InboundArgs {
  readonly type: typeof PacketType.ACK
  readonly id: number
}

interface InboundArgs {
  readonly namespace: string
  /** Without keys that reach prototypes; empty if they were nested too deeply. */
  readonly args: readonly unknown[]
  /** Levels of objects and arrays in the deepest argument; `depthMax + 1` stands for all that is deeper. */
  readonly depth: number
}

export interface PacketLimits {
  /** Of one packet. */
  readonly attachmentsMax: number
  /** Of all attachments of one packet together. */
  readonly attachmentBytesMax: number
  /** Levels of objects and arrays that are looked at. The walk recurses: keep it below a few hundred. */
  readonly depthMax: number
}

export const defaultPacketLimits: PacketLimits = {
  /** What the stock parser takes. */
  attachmentsMax: 10,
  /** What the stock server takes as one message. */
  attachmentBytesMax: 1_000_000,
  /** Deeper than anybody writes by hand, and few enough frames for a recursion. */
  depthMax: 64,
}

/** Characters. A name is a word or two; the bound keeps what is logged of a stranger short. */
export const namespaceLengthMax = 128

export interface PacketCodec {
  encodeConnect(namespace: string, data: { readonly sid: string; readonly pid?: string }): readonly Message[]
  encodeConnectError(
    namespace: string,
    error: { readonly message: string; readonly data?: unknown },
  ): readonly Message[]
  encodeDisconnect(namespace: string): readonly Message[]
  /** `args[0]` is the name. Throws when the arguments cannot be written: a cycle, a bigint. */
  encodeEvent(namespace: string, args: readonly unknown[], id?: number): readonly Message[]
  /** Throws as `encodeEvent` does. */
  encodeAck(namespace: string, id: number, args: readonly unknown[]): readonly Message[]
  /** One for each connection. */
  createReader(limits: PacketLimits): PacketReader
}

/** idle → awaiting attachments (a packet that has some) → idle (the last of them, or anything malformed) */
export interface PacketReader {
  /** `undefined`: attachments are awaited. Throws `MalformedPacket`, and nothing else. */
  push(message: Message): InboundPacket | undefined
  /** While true, the reader holds what came so far: close the connection when that takes too long. */
  readonly hasPendingAttachments: boolean
}
