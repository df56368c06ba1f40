/**
 * How Redis is reached: the `connection` option, the keys of ours beside BullMQ's, and the clock that all
 * hosts have in common.
 */
import { hrefOf, now, show, URL, wallClock, wrongType } from '../inner.ts'
import type { Commands } from './durable.ts'
import { QueueKeys } from './peer.ts'
import type { ConnectionOptions, IRedisClient } from './peer.ts'

/** The longest pause before a connection that was lost is tried again, in ms. */
const LONGEST_PAUSE = 1_000

/** What a client says of itself, whichever it is. */
interface Client {
  readonly on: unknown
  readonly options?: { readonly maxRetriesPerRequest?: unknown } | undefined
}

/**
 * What BullMQ takes, or a URL: commands wait for as long as Redis is away, and it is tried often.
 *
 * @throws TypeError for anything else, and for a client of ioredis that gives its commands up
 */
export function checkConnection(value: unknown): ConnectionOptions {
  const given: unknown = hrefOf(value) ?? value
  if (typeof given === 'string') {
    if (!URL.canParse(given)) throw wrongType('connection', 'a URL, options, or a client', given)
    return patient({ url: given })
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw wrongType('connection', 'a URL, options, or a client', given)
  }
  if (typeof (given as Partial<Client>).on !== 'function') return patient(given)
  const retries = (given as Client).options?.maxRetriesPerRequest
  if (retries !== undefined && retries !== null) {
    throw new TypeError(`the client of connection must have maxRetriesPerRequest: null, got ${show(retries)}`)
  }
  return given
}

function patient(options: object): ConnectionOptions {
  const retryStrategy = (times: number): number => Math.min(100 * times, LONGEST_PAUSE)
  return { retryStrategy, ...options, maxRetriesPerRequest: null }
}

/** A queue's name, or a prefix of keys. @throws TypeError for what BullMQ could not use */
export function checkQueueName(value: unknown, name: string): string {
  if (typeof value !== 'string') throw wrongType(name, 'a string', value)
  if (value === '' || value.includes(':'))
    throw new TypeError(`${name} must not be empty, nor have a ':' in it`)
  return value
}

/** What is so often used of Redis beside BullMQ. */
export interface Keys {
  /** Of the stream in which producers tell hosts of cancels. */
  readonly control: string
  /** Of the queue of which that is the stream of events. */
  readonly controlQueue: string
  /** Of the stream of events of the queue. */
  readonly events: string
  /** Where BullMQ has a job. */
  job(id: string): string
  /** Is there if a job must not be started: when that was made, a colon, and the reason. */
  cancelled(id: string): string
  /** Where a result, or an error, lies that is too long for a job. */
  value(id: string): string
}

export function keysOf(queue: string, prefix: string | undefined): Keys {
  const keys = new QueueKeys(prefix)
  const controlQueue = `${queue}-control`
  return {
    controlQueue,
    control: keys.toKey(controlQueue, 'events'),
    events: keys.toKey(queue, 'events'),
    job: (id) => keys.toKey(queue, id),
    // No id of a job has a colon in it.
    cancelled: (id) => keys.toKey(queue, `cancelled:${id}`),
    value: (id) => keys.toKey(queue, `value:${id}`),
  }
}

/** The ends of BullMQ's own keys, which lie beside those of jobs. */
const OWN_ENDS = Object.keys(new QueueKeys().getKeys(''))

/** Whether a job of this id would lie where BullMQ has something else, and break the queue. */
export function isReserved(id: string): boolean {
  return OWN_ENDS.includes(id)
}

/** As many entries as the stream of cancels keeps, about. */
export const MOST_CONTROL = 10_000

/** Where in the streams somebody begins to read, and the time there. */
export interface Mark {
  /** The id of an entry of the stream of cancels. */
  readonly control: string
  /** An id before which everything is old, in every stream. */
  readonly events: string
}

/** How long a mark says what time it is, in ms. */
const MARK_HOLDS = 60_000

/** An answer that took longer says too little of the time, in ms; but one is taken after so many. */
const QUICK = 20
const MOST_MARKS = 5

/**
 * The clock of Redis, which the hosts have in common: theirs may differ by minutes. It is known by the id of
 * an entry in a stream, and goes on here by a clock that only goes forward. How long the answer took is how
 * much is not known: who sets a limit takes the earliest time that it may be, who keeps it the latest, and so
 * no task gets more time than it was given.
 */
export class RedisClock {
  #earliest = NaN
  #latest = NaN
  #marked = -Infinity
  /** What the clock on the wall is before ours: a machine that slept has this one stand still. */
  #offset = NaN

  /**
   * Marks anew if the last mark is old: clocks drift, Redis may be another by now, and this machine may have
   * stood still for hours.
   */
  async refresh(client: Commands, keys: Keys): Promise<void> {
    const isOld = now() - this.#marked > MARK_HOLDS || Math.abs(wallClock() - now() - this.#offset) > 1_000
    if (isOld) await this.mark(client, keys)
  }

  /** Adds an entry to the stream of cancels. The first is where its reader begins. */
  async mark(client: Commands, keys: Keys): Promise<Mark> {
    this.#marked = now()
    this.#offset = wallClock() - now()
    const control = await this.#look(client, keys)
    for (let marks = 1; marks < MOST_MARKS && this.#latest - this.#earliest > QUICK; marks++) {
      await this.#look(client, keys)
    }
    return { control, events: `${timeOf(control) - 1}-0` }
  }

  async #look(client: Commands, keys: Keys): Promise<string> {
    const sent = now()
    const limit = { MAXLEN: MOST_CONTROL, approximate: true }
    const id = await client.xadd(keys.control, '*', { event: 'mark' }, limit)
    const time = timeOf(id)
    this.#earliest = time - now()
    this.#latest = time + 1 - sent
    return id
  }

  /** Milliseconds since 1970, by Redis: at least so many. NaN before the first mark. */
  get earliest(): number {
    return now() + this.#earliest
  }

  /** At most so many. */
  get latest(): number {
    return now() + this.#latest
  }
}

/** Whether an entry of a stream comes before another one. */
export function isBefore(one: string, other: string): boolean {
  const [a, b] = [timeOf(one), timeOf(other)]
  return a === b ? placeOf(one) < placeOf(other) : a < b
}

/** Which of the entries of its millisecond it is. */
function placeOf(id: string): number {
  return Number(id.slice(id.indexOf('-') + 1))
}

/** When an entry was added to a stream. */
function timeOf(id: string): number {
  return Number(id.slice(0, id.indexOf('-')))
}

/** Has an open connection not keep the process alive, now, while it is made anew, and then. */
export function releaseSocket(client: IRedisClient): void {
  interface Held {
    unref?: () => void
  }
  const parts = client as { raw?: Held; stream?: Held; reconnectTimeout?: Held | null }
  const release = (): void => {
    parts.raw?.unref?.()
    parts.stream?.unref?.()
    parts.reconnectTimeout?.unref?.()
  }
  client.on('connect', release)
  client.on('ready', release)
  client.on('reconnecting', release)
  release()
}
