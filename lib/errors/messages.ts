/** Messages that are completed once more is known. */
import { replaceStack, stackOf } from './without-stacks.ts'

/** Adds to the message of an error, and to the first line of its stack, which is what most logs show. */
export function addToMessage(error: Error, text: string): void {
  const before = error.message
  const message = before + text
  // Asked for before the message changes: it may be made only now.
  const stack = stackOf(error)
  error.message = message
  if (typeof stack === 'string')
    replaceStack(
      error,
      stack.replace(before, () => message),
    )
}
