/** What a client sent is no packet. The connection ends, and `reason` goes into the log and the metrics. */
export class MalformedPacket extends Error {
  override readonly name = 'MalformedPacket'
  readonly reason: MalformedReason

  constructor(reason: MalformedReason) {
    super(sentences[reason])
    this.reason = reason
  }
}

export type MalformedReason = keyof typeof sentences

/** A fixed list: nothing that a client wrote becomes part of a reason, so a metric by reason stays small. */
const sentences = {
  type: 'The packet has no type that a client may send.',
  namespace: 'The namespace has no leading slash, or is too long.',
  id: 'The packet id is no whole number that can be counted with, or stands where none belongs.',
  payload: 'The payload is missing, is not valid JSON, or has the wrong shape for its type.',
  name: 'The event has no name that is a text, or a name that is reserved.',
  auth: 'What the client connects with is no object, or is nested too deeply.',
  attachment_count: 'The number of attachments is missing, zero or above the limit.',
  attachment_bytes: 'The attachments of one packet are larger than the limit.',
  attachment_missing: 'A text came while an attachment was awaited.',
  attachment_unexpected: 'Bytes came that no packet awaits.',
  placeholder: 'The placeholders do not name every attachment exactly once.',
  msgpack: 'The bytes are no MessagePack, or hold a type that has no meaning here.',
  msgpack_key: 'A key of a MessagePack map is no text.',
  engine_type: 'The Engine.IO packet has no known type.',
  engine_base64: 'The bytes of an Engine.IO packet are not valid base64.',
  engine_count: 'The payload holds more Engine.IO packets than the limit.',
} as const
