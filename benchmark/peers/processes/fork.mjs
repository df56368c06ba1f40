// No pool: what somebody writes who has child_process.fork and an hour's time. A child that has died is
// replaced, and what it held fails; nothing is cancelled, queued or limited.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const file = fileURLToPath(new URL('../../tasks/fork.mjs', import.meta.url))

export const modes = {
  default: { serialization: 'advanced', message: 'one a task' },
  json: { serialization: 'json', message: 'one a task' },
  // What is submitted before the next turn of microtasks goes as one message, and its results as one.
  batch: { serialization: 'advanced', message: 'one a batch' },
}

class Child {
  load = 0
  isGone = false
  #waiting = []
  #free = []
  #outbox = []
  #isBatched
  #child

  constructor({ serialization, message }, onExit) {
    this.#isBatched = message === 'one a batch'
    this.#child = fork(file, { serialization })
    this.#child.on('message', (results) => {
      if (this.#isBatched) results.forEach((result) => this.#settle(result))
      else this.#settle(results)
    })
    this.#child.on('error', () => {})
    this.#child.on('exit', (code, signal) => {
      this.isGone = true
      onExit(this)
      for (const one of this.#waiting) one?.reject(new Error(`the child ended with ${signal ?? code}`))
    })
  }

  run(name, argument) {
    return new Promise((resolve, reject) => {
      this.load++
      const slot = this.#free.pop() ?? this.#waiting.length
      this.#waiting[slot] = { resolve, reject }
      const call = [slot, name, argument]
      if (!this.#isBatched) this.#child.send(call)
      else if (this.#outbox.push(call) === 1) queueMicrotask(() => this.#child.send(this.#outbox.splice(0)))
    })
  }

  #settle([slot, result, error]) {
    this.load--
    const { resolve, reject } = this.#waiting[slot]
    this.#waiting[slot] = undefined
    this.#free.push(slot)
    if (error === undefined || error === null) resolve(result)
    else reject(error)
  }

  stop() {
    return new Promise((resolve) => {
      if (this.isGone) return resolve()
      this.#child.once('exit', resolve)
      this.#child.kill('SIGKILL')
    })
  }
}

export function start({ workers, mode }) {
  const children = []
  let isStopped = false
  const add = () => {
    const child = new Child(modes[mode], () => {
      children.splice(children.indexOf(child), 1)
      if (!isStopped) add()
    })
    children.push(child)
  }
  for (let i = 0; i < workers; i++) add()
  const leastLoaded = () => children.reduce((best, child) => (child.load < best.load ? child : best))
  return {
    run: (name, argument) => leastLoaded().run(name, argument),
    stop() {
      isStopped = true
      return Promise.all(children.map((child) => child.stop()))
    },
  }
}
