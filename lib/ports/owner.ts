/**
 * Which box (see line.ts) the owner of a pool has. Arguments wait with it until the addon names a worker that will run their task next, and
 * go down that worker's line. Results go up the line of the worker that made them, and wait there for whoever reads their number.
 */
import { MessageChannel } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { binding } from '../addon/binding.ts'
import { WORKER } from '../addon/codes.ts'
import { Line, OUTPUT } from './channel.ts'
import { lines } from './channels.ts'

/** Who waits for the output of the worker at the other end of a line. */
const handedOn: WeakMap<Line, () => void> = new WeakMap()

/** The boxes of the pool that this isolate owns. */
export class Parcels {
  /** This isolate's index of the pool. */
  readonly #pool: number
  readonly #workers: Set<number> = new Set()
  readonly #arguments: Map<number, MessagePort> = new Map()

  constructor(pool: number) {
    this.#pool = pool
  }

  /** Lays a line to a worker; returns the worker's end. */
  connect(worker: number): MessagePort {
    const { port1, port2 } = new MessageChannel()
    lines.set(worker, new Line(port1, passOn))
    this.#workers.add(worker)
    return port2
  }

  /** The worker has gone. */
  disconnect(worker: number): void {
    this.#workers.delete(worker)
    const line = lines.get(worker)
    line?.drain()
    line?.close()
    if (line?.isEmpty === true) lines.delete(worker)
  }

  /** Resolves when a worker has handed its output on. Keeps no loop alive. */
  async output(worker: number): Promise<void> {
    const line = lines.get(worker)
    if (line === undefined) return
    line.listen()
    line.ask(OUTPUT)
    await new Promise<void>((resolve) => handedOn.set(line, resolve))
  }

  /** Keeps arguments that were packed here. */
  keep(number: number, box: MessagePort): void {
    this.#arguments.set(number, box)
  }

  /** Carries arguments to the workers that will run their tasks next. */
  handOver(): void {
    let failure: { error: unknown } | undefined
    // To the end, whatever happens: until then the addon does not ask again.
    for (let number = binding.assign(this.#pool); number >= 0; number = binding.assign(this.#pool)) {
      try {
        const box = this.#find(number % WORKER)
        if (box !== undefined) lines.get(Math.floor(number / WORKER))?.send(number % WORKER, box)
      } catch (error) {
        failure ??= { error }
      } finally {
        binding.delivered(this.#pool)
      }
    }
    if (failure !== undefined) throw failure.error
  }

  /** Nobody will read these arguments. */
  loseArguments(number: number): void {
    const worker = Math.floor(number / WORKER)
    if (worker > 0) lines.get(worker)?.recall(number % WORKER)
    else this.#find(number)?.close()
  }

  /** Nobody will read this result. */
  loseResult(number: number): void {
    const worker = Math.floor(number / WORKER)
    lines.get(worker)?.drop(number)
    this.#forgetEmpty(worker)
  }

  /** Workers ask for results that other workers have sent. */
  passOn(): void {
    for (const worker of this.#workers) lines.get(worker)?.drain()
  }

  /** The pool is closed. */
  close(): void {
    for (const box of this.#arguments.values()) box.close()
    this.#arguments.clear()
  }

  #find(number: number): MessagePort | undefined {
    const box = this.#arguments.get(number)
    if (box !== undefined) {
      this.#arguments.delete(number)
      return box
    }
    // A worker has packed it, or has given it back.
    for (const worker of this.#workers) {
      const sent = lines.get(worker)?.take(number)
      if (sent !== undefined) return sent
    }
    return undefined
  }

  #forgetEmpty(worker: number): void {
    if (!this.#workers.has(worker) && lines.get(worker)?.isEmpty === true) lines.delete(worker)
  }
}

function passOn(number: number, line: Line): void {
  if (number === OUTPUT) return handedOn.get(line)?.()
  const box = lines.get(Math.floor(number / WORKER))?.take(number)
  if (box !== undefined) line.send(number, box)
}
