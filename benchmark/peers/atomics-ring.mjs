// No pool: a ring of shared memory for each worker, written with Atomics; numbers in, numbers out, nothing
// else. It is what passing a number to another thread and back costs when nothing more is asked for.
import { Worker } from 'node:worker_threads'
import { FINISHED, LISTENING, MASK, SIZE, SUBMITTED, layOut } from '../tasks/ring.mjs'
import * as functions from '../tasks/functions.mjs'

export const modes = { default: { slots: SIZE } }

const numberOf = Object.fromEntries(Object.keys(functions).map((name, number) => [name, number]))

class Ring {
  #submitted = 0
  #delivered = 0
  #isPublishing = false
  /** What finds the ring full, and goes in as places become free. */
  #overflow = []
  #resolvers = new Array(SIZE)
  #memory = layOut()
  #worker = new Worker(new URL('../tasks/ring-worker.mjs', import.meta.url), { workerData: this.#memory.buffer })

  constructor() {
    void this.#listen()
  }

  get load() {
    return this.#submitted - this.#delivered + this.#overflow.length
  }

  run(name, argument) {
    if (typeof argument !== 'number') throw new TypeError('the ring carries numbers')
    return new Promise((resolve) => {
      if (this.#submitted - this.#delivered < SIZE) this.#put(name, argument, resolve)
      else this.#overflow.push([name, argument, resolve])
    })
  }

  #put(name, argument, resolve) {
    const place = this.#submitted++ & MASK
    this.#memory.calls[2 * place] = numberOf[name]
    this.#memory.calls[2 * place + 1] = argument
    this.#resolvers[place] = resolve
    // Once for all that is submitted until the next microtasks: waking takes a system call.
    if (this.#isPublishing) return
    this.#isPublishing = true
    queueMicrotask(() => {
      this.#isPublishing = false
      Atomics.store(this.#memory.control, SUBMITTED, this.#submitted)
      Atomics.notify(this.#memory.control, SUBMITTED)
    })
  }

  async #listen() {
    const { control } = this.#memory
    for (;;) {
      this.#deliver()
      Atomics.store(control, LISTENING, 1)
      const wait = Atomics.waitAsync(control, FINISHED, this.#delivered)
      if (wait.async) await wait.value
      // There is more already: others get their turn of the event loop first.
      else await new Promise(setImmediate)
    }
  }

  #deliver() {
    const finished = Atomics.load(this.#memory.control, FINISHED)
    while (this.#delivered !== finished) {
      const place = this.#delivered++ & MASK
      this.#resolvers[place](this.#memory.results[place])
    }
    if (this.#overflow.length === 0) return
    const room = SIZE - (this.#submitted - this.#delivered)
    for (const [name, argument, resolve] of this.#overflow.splice(0, room)) this.#put(name, argument, resolve)
  }

  stop() {
    return this.#worker.terminate()
  }
}

export function start({ workers }) {
  const rings = Array.from({ length: workers }, () => new Ring())
  let turn = 0
  return {
    run: (name, argument) => rings[turn++ % workers].run(name, argument),
    stop: () => Promise.all(rings.map((ring) => ring.stop())),
  }
}
