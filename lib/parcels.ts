/**
 * Who has which box (see line.ts). Arguments wait with the owner of their pool until the addon names a worker that will run their task next, and
 * go down that worker's line. Results go up the line of the worker that made them, and wait there for whoever reads their number.
 */
import { MessageChannel } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { binding } from './binding.ts'
import { Line, open, OUTPUT, pack, WORKER } from './line.ts'
import { onOutputHandedOn } from './output.ts'
import { seed } from './worker-seed.ts'

/** The lines to the workers that this isolate has started. Also those of workers that have gone, while something waits there. */
const lines: Map<number, Line> = new Map()

/** Of a pool's worker, the line to the pool's owner. */
const ownLine: Line | undefined = seed === undefined ? undefined : new Line(seed.line, answer)

/** Who waits for the output of the worker at the other end of a line. */
const handedOn: WeakMap<Line, () => void> = new WeakMap()

/** How long a worker waits for a box that the owner of its pool has. */
const FETCH_LIMIT = 30_000

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

/** The owner of this worker's pool asks. */
function answer(number: number, line: Line): void {
  if (number === OUTPUT) onOutputHandedOn(() => line.ask(OUTPUT))
}

function passOn(number: number, line: Line): void {
  if (number === OUTPUT) return handedOn.get(line)?.()
  const box = lines.get(Math.floor(number / WORKER))?.take(number)
  if (box !== undefined) line.send(number, box)
}

/** Sends arguments that were packed in a worker to the owner of its pool. */
export function sendArguments(number: number, box: MessagePort): void {
  ownLine?.send(number, box)
}

/** The arguments of a task that this worker runs. */
export function takeArguments(number: number): unknown {
  const box = ownLine?.take(number % WORKER)
  if (box === undefined) throw new Error('the arguments, which only a MessagePort can carry, were lost on their way')
  return open(box)
}

/** Whether this thread is a worker that has a line to send values by. */
export let canSend: boolean = false

let lastSent = 0

/** From now on this worker sends what only a MessagePort can carry, and keeps what it is sent. */
export function startSending(): void {
  ownLine?.listen()
  restoreSending()
}

/** A stop may have cut off a call of {@link withoutSending}. */
export function restoreSending(): void {
  canSend = ownLine !== undefined
}

/** Calls `fn` where what only a MessagePort can carry must not be sent: more than one may read it. */
export function withoutSending<T>(fn: () => T): T {
  const could = canSend
  canSend = false
  try {
    return fn()
  } finally {
    canSend = could
  }
}

/** Sends a value of this worker to the owner of its pool; returns its number. @throws as `structuredClone` */
export function sendResult(value: unknown, transfer?: readonly object[]): number {
  if (seed === undefined || ownLine === undefined) throw new Error('only a worker sends results')
  const number = seed.worker * WORKER + ++lastSent
  ownLine.send(number, pack(value, transfer))
  return number
}

/** The value that was sent with this number. */
export function takeResult(number: number): unknown {
  const worker = Math.floor(number / WORKER)
  const line = lines.get(worker)
  const box = line === undefined ? fetch(number) : line.take(number)
  if (box === undefined) throw new Error('a value that only a MessagePort can carry was lost with the thread that had it')
  return open(box)
}

const never = new Int32Array(new SharedArrayBuffer(4))

/** Gets a result from the owner of the pool, which passes it on in the next turn of its loop, or while it blocks for a future. */
function fetch(number: number): MessagePort | undefined {
  if (ownLine === undefined) return undefined
  ownLine.ask(number)
  binding.nudge()
  const until = performance.now() + FETCH_LIMIT
  for (;;) {
    const box = ownLine.take(number)
    if (box !== undefined || performance.now() > until) return box
    Atomics.wait(never, 0, 0, 1)
  }
}

/** This worker blocks: the tasks that only it could run, because their arguments are here, go back to the owner of the pool. */
export function giveBack(): void {
  const numbers = binding.giveBack()
  if (numbers === undefined) return
  for (const number of numbers) {
    const box = ownLine?.take(number % WORKER)
    if (box !== undefined) ownLine?.send(number % WORKER, box)
  }
  binding.gaveBack()
}
