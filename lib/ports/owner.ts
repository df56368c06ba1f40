/**
 * The port values of a pool, as the isolate that owns it keeps them (see channel.ts). Arguments wait here
 * until the addon names the worker that will run their task next, and are sent down that worker's channel.
 * Results come up the channel of the worker that made them, and wait in it until their number is read.
 */
import { MessageChannel } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { binding } from '../addon/binding.ts'
import type { PoolIndex } from '../addon/pool-index.ts'
import { PORT_VALUE_WORKER_UNIT } from '../addon/seam.ts'
import { Channel, OUTPUT } from './channel.ts'
import { channels } from './channels.ts'

/** Who waits for the output of the worker at the other end of a channel. */
const outputTaken: WeakMap<Channel, () => void> = new WeakMap()

/** The envelopes of the pool that this isolate owns. */
export class PortValues {
  readonly #index: PoolIndex
  readonly #workers: Set<number> = new Set()
  readonly #arguments: Map<number, MessagePort> = new Map()

  constructor(index: PoolIndex) {
    this.#index = index
  }

  /** Makes the channel to a worker; returns the worker's port. */
  connect(worker: number): MessagePort {
    const { port1, port2 } = new MessageChannel()
    channels.set(worker, new Channel(port1, onRequest))
    this.#workers.add(worker)
    return port2
  }

  /** The worker has gone. */
  disconnect(worker: number): void {
    this.#workers.delete(worker)
    const channel = channels.get(worker)
    if (channel === undefined) return
    channel.drain()
    channel.close()
    // Of tasks that it has submitted, or given back, and that still wait.
    for (const [number, envelope] of channel.takeArguments()) this.keep(number, envelope)
    if (channel.isEmpty) channels.delete(worker)
  }

  /** Resolves when a worker's output was taken by this thread. Keeps no event loop alive. */
  async output(worker: number): Promise<void> {
    const channel = channels.get(worker)
    if (channel === undefined) return
    channel.listen()
    channel.ask(OUTPUT)
    await new Promise<void>((resolve) => outputTaken.set(channel, resolve))
  }

  /** Keeps arguments that were packed here. */
  keep(number: number, envelope: MessagePort): void {
    this.#arguments.set(number, envelope)
  }

  /** Sends arguments to the workers that will run their tasks next. */
  handOver(): void {
    let failure: { error: unknown } | undefined
    // To the end, whatever happens: until then the addon does not ask again.
    const pool = this.#index.value
    for (let number = binding.assign(pool); number >= 0; number = binding.assign(pool)) {
      try {
        const envelope = this.#find(number % PORT_VALUE_WORKER_UNIT)
        const worker = Math.floor(number / PORT_VALUE_WORKER_UNIT)
        if (envelope !== undefined) channels.get(worker)?.send(number % PORT_VALUE_WORKER_UNIT, envelope)
      } catch (error) {
        failure ??= { error }
      } finally {
        binding.delivered(pool)
      }
    }
    if (failure !== undefined) throw failure.error
  }

  /** The task of these arguments has ended without running: they are closed. */
  loseArguments(number: number): void {
    const worker = Math.floor(number / PORT_VALUE_WORKER_UNIT)
    if (worker > 0) channels.get(worker)?.recall(number % PORT_VALUE_WORKER_UNIT)
    else this.#find(number)?.close()
  }

  /** This result will not be read: it is closed. */
  loseResult(number: number): void {
    const worker = Math.floor(number / PORT_VALUE_WORKER_UNIT)
    channels.get(worker)?.drop(number)
    this.#forgetEmpty(worker)
  }

  /** Workers have asked for results that other workers have sent: reads their requests. */
  passOn(): void {
    for (const worker of this.#workers) channels.get(worker)?.drain()
  }

  /** The pool is closed. */
  close(): void {
    for (const envelope of this.#arguments.values()) envelope.close()
    this.#arguments.clear()
  }

  #find(number: number): MessagePort | undefined {
    const envelope = this.#arguments.get(number)
    if (envelope !== undefined) {
      this.#arguments.delete(number)
      return envelope
    }
    // A worker has packed it, or has given it back.
    for (const worker of this.#workers) {
      const sent = channels.get(worker)?.take(number)
      if (sent !== undefined) return sent
    }
    return undefined
  }

  #forgetEmpty(worker: number): void {
    if (!this.#workers.has(worker) && channels.get(worker)?.isEmpty === true) channels.delete(worker)
  }
}

function onRequest(number: number, channel: Channel): void {
  if (number === OUTPUT) return outputTaken.get(channel)?.()
  const envelope = channels.get(Math.floor(number / PORT_VALUE_WORKER_UNIT))?.take(number)
  if (envelope !== undefined) channel.send(number, envelope)
}
