/** Where events stand: `epoch.offset`, which is their `_meta.id`. */

/** Whether what stands at `one` came after `other`. In another epoch nothing is known of that, so it may have. */
export function isLater(one: string, other: string): boolean {
  const [epoch, offset] = one.split('.')
  const [otherEpoch, otherOffset] = other.split('.')
  return epoch !== otherEpoch || Number(offset) > Number(otherOffset)
}
