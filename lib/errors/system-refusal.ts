/**
 * Whether an error says that the system refuses something for now: a descriptor, a thread, memory, or the
 * current directory, which was removed. The same may be granted a moment later.
 */

/** Node has no code of its own for all of them: of some only the message tells. */
const CODES = /\b(EAGAIN|EMFILE|ENFILE|ENOMEM|uv_cwd|ERR_MEMORY_ALLOCATION_FAILED)\b/
const PHRASES = /too many open files|cannot allocate memory|resource temporarily unavailable/i

/** A message is looked at only so far: it may be the user's, and of any length. */
const LONGEST_MESSAGE = 1_000

/** So many causes are looked at. */
const DEPTH = 4

/** Whether the system has refused something, as far as the error, its cause or one of its errors tells. */
export function isRefusal(error: unknown, depth: number = DEPTH): boolean {
  if (typeof error !== 'object' || error === null || depth === 0) return false
  try {
    const { code, message, cause, errors } = error as Record<string, unknown>
    if (code === 'ERR_WORKER_INIT_FAILED') return true
    if (typeof code === 'string' && CODES.test(code)) return true
    const text = typeof message === 'string' ? message.slice(0, LONGEST_MESSAGE) : ''
    if (CODES.test(text) || PHRASES.test(text)) return true
    if (Array.isArray(errors) && errors.slice(0, DEPTH).some((one) => isRefusal(one, depth - 1))) return true
    return isRefusal(cause, depth - 1)
  } catch {
    // A getter of the user's.
    return false
  }
}
