/**
 * Values as they are in Redis. What JSON says exactly is JSON; anything else is an object of which one key is
 * `$bytes`: base64 of what `writeBytes` has written, with a text for people before it. What is larger than
 * {@link LARGE} lies under a key of its own, and an object with its name, `$key`, stands for it: a result
 * would be twice in Redis, in the job and in the stream of events, and every listener would read it.
 */
import { inspect } from 'node:util'
import { readBytes, readThrown, toJson, writeBytes, writeThrown } from '../inner.ts'
import { isJson } from './json.ts'

/** What is longer does not stand in a result or an event. */
const LARGE = 64 * 1024

/** The most characters of one value: V8's strings end at 2^29 - 24, and Redis takes 512 MB. */
const MOST_CHARACTERS = 500_000_000

/** The most characters of the text for people. */
const MOST_SHOWN = 200

/** Bytes, with what they are. */
export interface Bytes {
  readonly text: string
  readonly $bytes: string
}

/** Stands for what lies under a key of its own. */
export interface Elsewhere {
  readonly text: string
  readonly $key: string
  readonly length: number
}

/** Of an unusual value, what people see of it. */
export function textOf(value: unknown): string {
  try {
    const limits = { depth: 1, breakLength: Infinity, maxArrayLength: 5, maxStringLength: 80 }
    const text = inspect(value, { ...limits, customInspect: false })
    return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN - 3)}...` : text
  } catch {
    return typeof value
  }
}

/** @throws RangeError for bytes that no string has room for */
function toBase64(bytes: Uint8Array): string {
  if (bytes.length > MOST_CHARACTERS * 0.75) {
    throw new RangeError(`${bytes.length} bytes are too many for a job, more than ${MOST_CHARACTERS * 0.75}`)
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

/** @throws TypeError for what is no base64, before anything of it is read */
function fromBase64(text: unknown): Uint8Array {
  if (typeof text !== 'string' || text.length % 4 !== 0 || !isBase64(text)) {
    throw new TypeError('the bytes of the value are no base64')
  }
  const buffer = Buffer.from(text, 'base64')
  // Small ones lie in a pool of Node's.
  return new Uint8Array(buffer)
}

/** In parts: a regular expression takes no end of stack for long texts. */
function isBase64(text: string): boolean {
  for (let from = 0; from < text.length; from += LARGE) {
    const part = text.slice(from, from + LARGE)
    if (!BASE64.test(part) || (part.includes('=') && from + LARGE < text.length)) return false
  }
  return true
}

/** A value that JSON can carry, for any value. @throws DataCloneError, which does not name the place */
export function encode(value: unknown): unknown {
  if (isJson(value) && !isMarked(value)) return value
  return { text: textOf(value), $bytes: toBase64(writeBytes(value)) } satisfies Bytes
}

/** @throws what is wrong with what somebody else has written */
export function decode(given: unknown): unknown {
  return hasBytes(given) ? readBytes(fromBase64(given.$bytes)) : given
}

/** Whatever was thrown, in the same form. */
export function encodeThrown(thrown: unknown): Bytes {
  return { text: textOf(thrown), $bytes: toBase64(writeThrown(thrown)) }
}

export function decodeThrown(given: unknown): unknown {
  if (!hasBytes(given)) throw new TypeError('the error of the job has no bytes')
  return readThrown(fromBase64(given.$bytes))
}

/** Whether it stands for something else. */
function isMarked(value: unknown): boolean {
  return hasBytes(value) || isElsewhere(value)
}

export function hasBytes(value: unknown): value is Bytes {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, '$bytes')
}

export function isElsewhere(value: unknown): value is Elsewhere {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, '$key')
}

/** The JSON of an encoded value, if that is too long to stand in a job. */
export function tooLong(encoded: unknown): string | undefined {
  // Numbers and short texts are most of what tasks give.
  if (typeof encoded !== 'object' && (typeof encoded !== 'string' || encoded.length < LARGE / 2)) {
    return undefined
  }
  const json = toJson(encoded)
  return json.length > LARGE ? json : undefined
}
