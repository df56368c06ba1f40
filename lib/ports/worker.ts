/**
 * Port values, as a worker of a pool sends and receives them: by its end of the channel to the pool's owner
 * (see channel.ts). The worker's entry connects it; before, and in every other thread, nothing can be sent.
 */
import type { MessagePort } from 'node:worker_threads'
import { binding } from '../addon/binding.ts'
import { PORT_VALUE_WORKER_UNIT } from '../addon/seam.ts'
import { now } from '../host/clocks.ts'
import { Channel, OUTPUT } from './channel.ts'
import { channels } from './channels.ts'
import { makeEnvelope, openEnvelope } from './envelope.ts'

/** The channel to the owner of this worker's pool. */
let owner: Channel | undefined

/** What the numbers of this worker's results begin with. */
let ownNumbers = 0

/** How long a worker waits for an envelope that the owner of its pool has. */
const FETCH_LIMIT = 30_000

/**
 * Connects worker `number` to the owner of its pool. `afterOutput` calls its argument once what was printed
 * here was taken.
 */
export function connectOwner(
  port: MessagePort,
  number: number,
  afterOutput: (done: () => void) => void,
): void {
  ownNumbers = number * PORT_VALUE_WORKER_UNIT
  owner = new Channel(port, (asked, channel) => {
    if (asked === OUTPUT) afterOutput(() => channel.ask(OUTPUT))
  })
}

/** Sends arguments that were packed in a worker to the owner of its pool. */
export function sendArguments(number: number, envelope: MessagePort): void {
  owner?.send(number, envelope)
}

/** The arguments of a task that this worker runs. */
export function takeArguments(number: number): unknown {
  const envelope = owner?.take(number % PORT_VALUE_WORKER_UNIT)
  if (envelope === undefined) {
    throw new Error('the arguments, which only a MessagePort can carry, were lost on their way')
  }
  return openEnvelope(envelope)
}

/** Whether this thread is a worker that has a channel to send values by. */
export let canSend: boolean = false

let lastSent = 0

/** From now on this worker sends port values, and keeps those that it is sent. */
export function startSending(): void {
  owner?.listen()
  canSend = owner !== undefined
}

/** Sends a value of this worker to the owner of its pool; returns its number. @throws as `structuredClone` */
export function sendResult(value: unknown, transfer?: readonly object[]): number {
  if (owner === undefined) throw new Error('only a worker sends results')
  const number = ownNumbers + ++lastSent
  owner.send(number, makeEnvelope(value, transfer))
  return number
}

/** The value that was sent with this number. */
export function takeResult(number: number): unknown {
  const worker = Math.floor(number / PORT_VALUE_WORKER_UNIT)
  const channel = channels.get(worker)
  const envelope = channel === undefined ? fetchResult(number) : channel.take(number)
  if (envelope === undefined) {
    throw new Error('a value that only a MessagePort can carry was lost with the thread that had it')
  }
  return openEnvelope(envelope)
}

const never = new Int32Array(new SharedArrayBuffer(4))

/**
 * Gets a result from the owner of the pool, which passes it on in the next turn of its loop, or while it
 * blocks for a future.
 */
function fetchResult(number: number): MessagePort | undefined {
  if (owner === undefined) return undefined
  owner.ask(number)
  binding.requestPassOn()
  const until = now() + FETCH_LIMIT
  for (;;) {
    const envelope = owner.take(number)
    if (envelope !== undefined || now() > until) return envelope
    Atomics.wait(never, 0, 0, 1)
  }
}

/** How long a worker that ends waits for what the owner of its pool is just sending. */
const DELIVERY_LIMIT = 200

/**
 * This worker ends: the tasks that it has not begun go back to the owner of the pool, with their arguments.
 */
export function giveAllBack(): void {
  const until = now() + DELIVERY_LIMIT
  for (;;) {
    const isComing = binding.quit()
    giveBack(true)
    if (!isComing || now() > until) return
    Atomics.wait(never, 0, 0, 1)
  }
}

/**
 * This worker blocks: the tasks that only it could run, because their arguments are here, go back to the
 * owner of the pool.
 */
export function giveBack(isEnding: boolean = false): void {
  const numbers = binding.giveBack(isEnding)
  if (numbers === undefined) return
  for (const number of numbers) {
    const envelope = owner?.take(number % PORT_VALUE_WORKER_UNIT)
    if (envelope !== undefined) owner?.send(number % PORT_VALUE_WORKER_UNIT, envelope)
  }
  binding.gaveBack()
}
