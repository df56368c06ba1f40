/**
 * The data of a job, as our producers write it and our hosts read it. All of it is JSON, with what people
 * look for first. Producers that know nothing of us give `{ args: [...] }`, or an array of the arguments, or
 * any other value, which is the only argument.
 */
import { show } from '../inner.ts'
import { decode, encode, hasBytes } from './encoding.ts'
import type { Bytes } from './encoding.ts'

/** Marks the data of our producers, and says in which version of this format they are. */
const VERSION = 1

/** What our producers write. Times are milliseconds. */
export interface JobData {
  readonly 'concurrent-futures': number
  /** As given by `with({ name })`. */
  readonly name?: string
  /** The arguments; of a chunk of a map a list of them for each item. */
  readonly args: unknown[] | Bytes
  readonly timeout?: number
  /** On the clock of Redis: when it must have begun, and when it must have ended. */
  readonly startBy?: number
  readonly endBy?: number
  /** What subscribers of the channel have written. */
  readonly carrier?: Readonly<Record<string, string>>
  /** Of a chunk of a map: that it is one, and after how many milliseconds it begins no further item. */
  readonly chunk?: true
  readonly limit?: number
}

/** What a job asks for, whoever has written it. */
export interface Request {
  readonly args: unknown[]
  readonly name: string | undefined
  readonly timeout: number
  readonly startBy: number
  readonly endBy: number
  readonly carrier: Readonly<Record<string, string>> | undefined
  /** Whether one of our producers has written it. */
  readonly isOurs: boolean
  readonly isChunk: boolean
  readonly limit: number | undefined
}

/** The arguments of a job. @throws DataCloneError, which does not name the place; RangeError if too long */
export function encodeArgs(args: readonly unknown[]): unknown[] | Bytes {
  return encode(args) as unknown[] | Bytes
}

/** Any of it may say nothing. */
type Parts = { [K in keyof JobData]: JobData[K] | undefined }

/** What says something. */
export function dataOf(data: Omit<Parts, 'concurrent-futures' | 'args'> & Pick<JobData, 'args'>): JobData {
  const { name, args, timeout, startBy, endBy, carrier, chunk, limit } = data
  return {
    'concurrent-futures': VERSION,
    ...(name === undefined ? {} : { name }),
    args,
    ...(timeout === undefined ? {} : { timeout }),
    ...(startBy === undefined ? {} : { startBy }),
    ...(endBy === undefined ? {} : { endBy }),
    ...(carrier === undefined ? {} : { carrier }),
    ...(chunk === undefined ? {} : { chunk }),
    ...(limit === undefined ? {} : { limit }),
  }
}

/** Reads the data of a job. @throws TypeError for what is none of ours though it says so */
export function requestOf(data: unknown): Request {
  if (typeof data !== 'object' || data === null) return plain([data])
  if (Array.isArray(data)) return plain(data)
  const version: unknown = property(data, 'concurrent-futures')
  const args: unknown = property(data, 'args')
  if (version === undefined) return plain(Array.isArray(args) ? args : [data])
  if (version !== VERSION) throw new TypeError(`the job is of version ${show(version)}, this host knows 1`)
  const list = hasBytes(args) ? decode(args) : args
  if (!Array.isArray(list)) throw new TypeError('the arguments of the job are no list')
  const isChunk = property(data, 'chunk') === true
  if (isChunk && !list.every((item) => Array.isArray(item))) {
    throw new TypeError('the items of the job are no lists of arguments')
  }
  return {
    args: list,
    name: textIn(data, 'name'),
    timeout: timeIn(data, 'timeout'),
    startBy: timeIn(data, 'startBy'),
    endBy: timeIn(data, 'endBy'),
    carrier: stringsIn(property(data, 'carrier')),
    isOurs: true,
    isChunk,
    limit: property(data, 'limit') === undefined ? undefined : timeIn(data, 'limit'),
  }
}

function plain(args: unknown[]): Request {
  return {
    args,
    name: undefined,
    timeout: Infinity,
    startBy: Infinity,
    endBy: Infinity,
    carrier: undefined,
    isOurs: false,
    isChunk: false,
    limit: undefined,
  }
}

function property(data: object, key: string): unknown {
  return Object.hasOwn(data, key) ? (data as Record<string, unknown>)[key] : undefined
}

function textIn(data: object, key: string): string | undefined {
  const value = property(data, key)
  if (value !== undefined && typeof value !== 'string')
    throw new TypeError(`the ${key} of the job is no text`)
  return value
}

function timeIn(data: object, key: string): number {
  const value = property(data, key)
  if (value === undefined) return Infinity
  if (typeof value !== 'number' || !(value >= 0)) throw new TypeError(`the ${key} of the job is no time`)
  return value
}

function stringsIn(value: unknown): Record<string, string> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const strings = Object.create(null) as Record<string, string>
  for (const [key, text] of Object.entries(value)) if (typeof text === 'string') strings[key] = text
  return strings
}
