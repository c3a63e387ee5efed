/**
 * One walk over what a client sent: takes out the keys through which careless code reaches prototypes, and measures
 * how deep it is nested.
 */

/**
 * Levels of objects and arrays in `value`, which is changed in place: 0 for text, numbers and bytes. `depthMax + 1`
 * stands for everything deeper: then the walk ended early, and what was not reached is as it came. Recurses to
 * `depthMax` and no further, so that JSON nested a million times is harmless.
 *
 * The text is not searched for such keys first: a search of `["notification:getAll",{"limit":20}]` takes 21 ns, and
 * comparing keys adds 2 ns to the walk, which is needed for the depth anyway.
 */
export function sanitize(value: unknown, { depthMax }: { readonly depthMax: number }): number {
  return walk(value, depthMax)
}

export function isUnsafeKey(key: string): boolean {
  return key === '__proto__' || key === 'constructor' || key === 'prototype'
}

/** `room`: levels that may still come. The answer is at most `room + 1`. */
function walk(value: unknown, room: number): number {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return 0
  if (room === 0) return 1
  let deepest = 0
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length && deepest < room; index++) {
      const depth = walk(value[index], room - 1)
      if (depth > deepest) deepest = depth
    }
    return deepest + 1
  }
  const record = value as Record<string, unknown>
  for (const key in record) {
    if (isUnsafeKey(key)) {
      delete record[key]
      continue
    }
    const depth = walk(record[key], room - 1)
    if (depth > deepest) deepest = depth
    if (deepest === room) break
  }
  return deepest + 1
}
