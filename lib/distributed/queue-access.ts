/** What an executor has of BullMQ and Redis, made when it is first needed. */
import { clearTimeout, InvalidStateError, log, setTimeout } from '../inner.ts'
import type { Timer } from '../host/timers.ts'
import { openOrRefused } from './complaints.ts'
import { durable, lasting } from './durable.ts'
import type { Commands } from './durable.ts'
import { Queue, QueueEvents } from './peer.ts'
import type { ConnectionOptions } from './peer.ts'
import { keysOf, RedisClock, releaseSocket } from './redis.ts'
import type { Keys } from './redis.ts'

/** What is open. */
export interface Access {
  readonly queue: Queue
  readonly client: Commands
  readonly events: QueueEvents
}

/** How long the end waits for a Redis that does not answer, in ms. */
const PATIENCE = 1_000

/** What becomes of a promise within so many milliseconds; undefined if nothing does. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: Timer | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Nobody needed what was being opened: who needs it by now opens it again. */
export class Rested extends Error {}

function closedError(): InvalidStateError {
  return new InvalidStateError('the executor was shut down')
}

export class QueueAccess {
  readonly keys: Keys
  readonly clock: RedisClock = new RedisClock()
  readonly #name: string
  readonly #connection: ConnectionOptions
  readonly #prefix: string | undefined
  readonly #listen: (events: QueueEvents) => void
  #opening: Promise<Access> | undefined
  #queue: Queue | undefined
  #isOpen = false
  #giveUp: () => void = () => {}
  #isClosed = false

  /** `listen` is told of the events before the first is read. */
  constructor(
    name: string,
    connection: ConnectionOptions,
    prefix: string | undefined,
    listen: (events: QueueEvents) => void,
  ) {
    this.#name = name
    this.#connection = connection
    this.#prefix = prefix
    this.#listen = listen
    this.keys = keysOf(name, prefix)
  }

  /** Waits for as long as Redis is away. @throws what BullMQ throws if that cannot be used */
  open(): Promise<Access> {
    if (this.#isClosed) return Promise.reject(closedError())
    if (this.#opening === undefined) {
      const opening = this.#open().catch((error: unknown) => {
        if (this.#opening === opening) this.#opening = undefined
        throw error
      })
      this.#opening = opening
    }
    return this.#opening
  }

  /**
   * Nobody waits for anything. A Redis that was not reached is tried no more, since that keeps the process
   * alive, until it is needed again.
   */
  rest(): void {
    const queue = this.#queue
    if (queue === undefined || this.#isOpen || this.#isClosed) return
    this.#queue = undefined
    this.#opening = undefined
    // What BullMQ is waiting for may never come.
    this.#giveUp()
    void this.#closeQueue(queue)
  }

  async #open(): Promise<Access> {
    const [connection, prefix] = [this.#connection, this.#prefix]
    const base = prefix === undefined ? { connection } : { connection, prefix }
    // Of all who make one the last says how many events are kept, but for those that leave that alone.
    const queue = new Queue(this.#name, { ...base, skipMetasUpdate: true })
    this.#queue = queue
    queue.on('error', (error) => log('%s: %o', this.#name, error))
    try {
      const opening = queue.getBackend().client
      const given = new Promise<never>((_, reject) => {
        this.#giveUp = () => reject(new Rested())
      })
      const opened = openOrRefused(opening, (listener) => queue.on('error', listener))
      const client = await Promise.race([opened, given])
      // A client of the user's keeps the process alive if the user wants it to.
      if (typeof (connection as { on?: unknown }).on !== 'function') releaseSocket(client)
      const commands = durable(client, () => this.#isClosed)
      const { events: lastEventId } = await this.clock.mark(commands, this.keys)
      // Nobody would close what is made from here on.
      if (this.#isClosed || this.#queue !== queue) throw closedError()
      this.#isOpen = true
      // A timer of BullMQ's for each read would keep the process alive.
      const events = new QueueEvents(this.#name, { ...base, autorun: false, lastEventId, blockingTimeout: 0 })
      events.on('error', (error) => log('%s: %o', this.#name, error))
      void events
        .getBackend()
        .client.then(releaseSocket)
        .catch(() => {})
      this.#listen(events)
      void this.#run(events, commands)
      return { queue, client: commands, events }
    } catch (error) {
      if (!this.#isClosed && this.#queue !== queue) throw new Rested()
      this.#queue = undefined
      await this.#closeQueue(queue)
      throw error
    }
  }

  /** Reads events until the end. One that cannot be read is left out, with those beside it. */
  async #run(events: QueueEvents, client: Commands): Promise<void> {
    while (!this.#isClosed) {
      try {
        await events.run()
        return
      } catch (error) {
        log('%s: events: %o', this.#name, error)
        await new Promise<void>((resolve) => setTimeout(resolve, PATIENCE).unref())
        await this.clock.mark(client, this.keys).then(
          (mark) => Object.assign(events.opts, { lastEventId: mark.events }),
          () => {},
        )
      }
    }
  }

  /** Does what may be done twice, through broken connections. */
  lasting<T>(fn: () => Promise<T>): Promise<T> {
    return lasting(() => this.#isClosed, fn)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const opening = this.#opening
    if (opening === undefined) return
    const open = await within(
      opening.catch(() => undefined),
      PATIENCE,
    )
    if (open === undefined) {
      if (this.#queue !== undefined) await this.#closeQueue(this.#queue)
      return
    }
    await within(
      open.events.close().catch(() => {}),
      PATIENCE,
    )
    await this.#closeQueue(open.queue)
  }

  /** Says good-bye to Redis if that listens. */
  async #closeQueue(queue: Queue): Promise<void> {
    const isOver = await within(
      queue.close().then(
        () => true,
        () => true,
      ),
      PATIENCE,
    )
    if (isOver !== true)
      await within(
        Promise.resolve(queue.disconnect()).catch(() => {}),
        PATIENCE,
      )
  }
}
