/**
 * What only a MessagePort can carry, as a worker of a pool sees it: its end of the line to the pool's owner (see line.ts). Its entry lays the
 * line; before, and in every other thread, nothing can be sent.
 */
import type { MessagePort } from 'node:worker_threads'
import { binding } from '../addon/binding.ts'
import { WORKER } from '../addon/codes.ts'
import { open, pack } from './envelope.ts'
import { Line, OUTPUT } from './channel.ts'
import { lines } from './channels.ts'

/** The line to the owner of this worker's pool. */
let ownLine: Line | undefined

/** What the numbers of this worker's results begin with. */
let ownNumbers = 0

/** How long a worker waits for a box that the owner of its pool has. */
const FETCH_LIMIT = 30_000

/** Connects worker `number` to the owner of its pool. `handOn` calls its argument once what was printed here has been taken. */
export function connectOwner(port: MessagePort, number: number, handOn: (done: () => void) => void): void {
  ownNumbers = number * WORKER
  ownLine = new Line(port, (asked, line) => {
    if (asked === OUTPUT) handOn(() => line.ask(OUTPUT))
  })
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
  if (ownLine === undefined) throw new Error('only a worker sends results')
  const number = ownNumbers + ++lastSent
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
