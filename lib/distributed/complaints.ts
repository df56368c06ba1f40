/** What is wrong with the way to Redis. */
import { BrokenExecutor, log } from '../inner.ts'
import type { IRedisClient } from './peer.ts'

/** How Redis says that it takes nothing from us, now and later. */
const REFUSALS = /^(NOAUTH|WRONGPASS|NOPERM)\b/

/** How it says that it takes nothing from anybody, or that it is another kind of server. */
const UNUSABLE = /^(CLUSTERDOWN|MOVED|CROSSSLOT|MISCONF|OOM|READONLY|ERR unknown command)\b|^Redis version/

/** How the system says that nobody is there, and Node that it trusts nobody there, or that it is no TLS. */
const NOT_THERE =
  /^(ECONN|ENOTFOUND|EAI_|EHOST|ENET|ETIMEDOUT|ENOENT|EACCES|EPROTO|ERR_SSL|ERR_TLS)|CERT|SIGNATURE/

function textOf(error: unknown): string {
  const { message, code } = Object(error) as { message?: unknown; code?: unknown }
  // Where a name has several addresses the error of all has no message.
  return typeof message === 'string' && message !== '' ? message : String(code ?? error)
}

const isRefusal = (error: unknown): boolean => REFUSALS.test(textOf(error))

/** What becomes of `opening`, unless an error says before that nothing ever will. @throws BrokenExecutor */
export async function openOrRefused<T>(
  opening: Promise<T>,
  on: (listener: (error: unknown) => void) => void,
): Promise<T> {
  const refused = new Promise<never>((_, reject) => {
    on((error) => {
      if (isRefusal(error)) reject(new BrokenExecutor(`Redis refuses us: ${textOf(error)}`, { cause: error }))
    })
  })
  // It may come later, too.
  refused.catch(() => {})
  return await Promise.race([opening, refused])
}

/**
 * A host has no future that could fail: that it is refused, or has never reached Redis, is a warning. That a
 * Redis that was there goes away is for whoever watches Redis.
 */
export class HostComplaints {
  readonly #queue: string
  #isTold = false
  #wasThere = false
  #client: IRedisClient | undefined
  readonly #onReady = (): void => {
    this.#isTold = false
  }

  constructor(queue: string) {
    this.#queue = queue
  }

  /** Notes an error of a connection. */
  note(error: unknown): void {
    log('%s: %o', this.#queue, error)
    const { code } = Object(error) as { code?: unknown }
    const isMissing = typeof code === 'string' && NOT_THERE.test(code) && !this.#wasThere
    if (this.#isTold || !(isMissing || isRefusal(error) || UNUSABLE.test(textOf(error)))) return
    this.#isTold = true
    process.emitWarning(`a BullMQWorker of the queue ${this.#queue} cannot reach Redis: ${textOf(error)}`)
  }

  /** The client may be the user's, and stay. */
  end(): void {
    this.#client?.off('ready', this.#onReady)
  }

  /** Redis was reached. */
  reached(client: IRedisClient): void {
    if (this.#wasThere) return
    this.#wasThere = true
    this.#client = client
    client.on('ready', this.#onReady)
  }
}
