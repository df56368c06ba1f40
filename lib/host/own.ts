/** Telling Node's own functions from those that something has put in their place. */

/**
 * Whether a function is Node's own.
 *
 * @param makes - what the source of Node's has, and that of no replacement
 */
export function isOfNode(fn: unknown, makes: RegExp): boolean {
  try {
    return makes.test(Function.prototype.toString.call(fn))
  } catch {
    return false
  }
}
