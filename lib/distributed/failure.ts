/**
 * How a failed job says why. BullMQ keeps one text of an error, so that is first what people read, and in its
 * last line the error itself, as bytes.
 */
import { parseJson, toJson } from '../inner.ts'
import { decodeThrown, encodeThrown, hasBytes, isElsewhere, textOf } from './encoding.ts'
import type { Bytes, Elsewhere } from './encoding.ts'

/** What became of a task that has failed: whether it threw, or was ended. */
export type Why = 'failed' | 'cancelled' | 'timed out' | 'lost'

/** How a job failed. */
export interface Failure {
  readonly why: Why
  readonly error: unknown
}

const MOST_TEXT = 2_000

/** What people read: `RangeError: no more`. */
function firstLineOf(error: unknown): string {
  let text: string
  try {
    text = error instanceof Error ? `${error.name}: ${error.message}` : `thrown: ${textOf(error)}`
  } catch {
    text = 'an error that cannot be read'
  }
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}...` : text
}

/** The text of a failed job. `keep` puts what is too long for it elsewhere. */
export async function failureText(
  { why, error }: Failure,
  keep: (encoded: Bytes) => Promise<Bytes | Elsewhere>,
): Promise<string> {
  const { $bytes } = encodeThrown(error)
  const kept = await keep({ text: '', $bytes })
  return `${firstLineOf(error)}\n${toJson({ why, ...kept })}`
}

/** Reads it. `fetch` gets what lies elsewhere. Undefined for the text of anybody else. */
export async function readFailure(
  text: string,
  fetch: (elsewhere: Elsewhere) => Promise<unknown>,
): Promise<Failure | undefined> {
  const line = text.slice(text.lastIndexOf('\n') + 1)
  if (!line.startsWith('{"why":')) return undefined
  try {
    const given: unknown = parseJson(line)
    const { why } = given as { why: Why }
    const bytes = isElsewhere(given) ? await fetch(given) : given
    if (!hasBytes(bytes)) return undefined
    return { why, error: decodeThrown(bytes) }
  } catch {
    // Somebody else has written it, or it is gone: the text is left.
    return undefined
  }
}
