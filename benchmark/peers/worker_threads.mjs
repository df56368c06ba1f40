// No pool: what somebody writes who has worker threads, postMessage and a hundred lines' worth of time.
// Nothing is cancelled, queued, limited or survived.
import { Worker } from 'node:worker_threads'

export const modes = {
  default: { message: 'one a task' },
  // What is submitted before the next turn of microtasks goes as one message, and its results as one.
  batch: { message: 'one a batch' },
}

class Thread {
  load = 0
  #waiting = []
  #free = []
  #outbox = []
  #isBatched
  #worker

  constructor(isBatched) {
    this.#isBatched = isBatched
    this.#worker = new Worker(new URL('../tasks/worker_threads.mjs', import.meta.url))
    this.#worker.on(
      'message',
      isBatched ? (results) => results.forEach((result) => this.#settle(result)) : (result) => this.#settle(result),
    )
  }

  run(name, argument, transfer) {
    return new Promise((resolve, reject) => {
      this.load++
      const slot = this.#free.pop() ?? this.#waiting.length
      this.#waiting[slot] = { resolve, reject }
      const call = [slot, name, argument]
      if (!this.#isBatched || transfer !== undefined) this.#worker.postMessage(this.#isBatched ? [call] : call, transfer)
      else if (this.#outbox.push(call) === 1) queueMicrotask(() => this.#worker.postMessage(this.#outbox.splice(0)))
    })
  }

  #settle([slot, result, error]) {
    this.load--
    const { resolve, reject } = this.#waiting[slot]
    this.#waiting[slot] = undefined
    this.#free.push(slot)
    if (error === undefined) resolve(result)
    else reject(error)
  }

  stop() {
    return this.#worker.terminate()
  }
}

export function start({ workers, mode }) {
  const threads = Array.from({ length: workers }, () => new Thread(mode === 'batch'))
  const leastLoaded = () => threads.reduce((best, thread) => (thread.load < best.load ? thread : best))
  return {
    run: (name, argument) => leastLoaded().run(name, argument),
    runTransfer: (bytes) => leastLoaded().run('bounce', bytes, [bytes.buffer]),
    stop: () => Promise.all(threads.map((thread) => thread.stop())),
  }
}
