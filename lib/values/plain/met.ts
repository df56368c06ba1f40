/** The objects that a walk has met; see writer.ts. What is met twice is not plain. */

/** To compare so many one by one costs less than to add them to a Set. */
const FEW = 64

const few: (object | undefined)[] = new Array(FEW).fill(undefined)
let many: Set<object> = new Set()
/** How many were met. */
export let met = 0

/** Begins anew, and keeps nothing alive. */
export function forgetMet(): void {
  // Also those of a walk that was cut off: so none before an empty place is one.
  for (let index = 0; index < FEW && few[index] !== undefined; index++) few[index] = undefined
  if (many.size > 0) many = new Set()
  met = 0
}

/** Whether an object was met before; it is from now on. */
export function wasMet(object: object): boolean {
  if (met < FEW) {
    for (let index = 0; index < met; index++) if (few[index] === object) return true
    few[met++] = object
    return false
  }
  if (met === FEW) for (let index = 0; index < FEW; index++) many.add(few[index] as object)
  met++
  if (many.has(object)) return true
  many.add(object)
  return false
}
