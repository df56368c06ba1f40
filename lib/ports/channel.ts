/**
 * The channel between the owner of a pool and one of its workers, for port values: what only a MessagePort
 * can carry. A value goes into an *envelope* (envelope.ts), and that is sent with a number, before the addon
 * is given the number. So whoever has the number finds the envelope by reading the channel, without waiting
 * for an event.
 */
import { receiveMessageOnPort } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { PORT_VALUE_WORKER_UNIT } from '../addon/seam.ts'

/**
 * Asked for, it names no envelope: the worker sends the same request back once its output was taken
 * (worker/stdio.ts).
 */
export const OUTPUT = -1

/**
 * Sends an envelope; with `null` asks for the envelope of that number; without one says that it will not be
 * opened.
 */
type Message = [number: number, envelope?: MessagePort | null]

export class Channel {
  readonly #port: MessagePort
  readonly #envelopes: Map<number, MessagePort> = new Map()
  readonly #asked: ((number: number, channel: Channel) => void) | undefined
  #isListening = false

  /** `asked` is called when the other side asks for an envelope. */
  constructor(port: MessagePort, asked?: (number: number, channel: Channel) => void) {
    this.#port = port
    this.#asked = asked
  }

  /** Whether nothing that has come waits to be taken. */
  get isEmpty(): boolean {
    return this.#envelopes.size === 0
  }

  send(number: number, envelope: MessagePort): void {
    this.#port.postMessage([number, envelope] satisfies Message, [envelope])
  }

  /** The envelope that was sent with this number will not be opened: the other side closes it. */
  recall(number: number): void {
    this.#port.postMessage([number] satisfies Message)
  }

  /** Asks for the envelope of this number. */
  ask(number: number): void {
    this.#port.postMessage([number, null] satisfies Message)
  }

  /** The envelope that was sent with this number. */
  take(number: number): MessagePort | undefined {
    for (;;) {
      const envelope = this.#envelopes.get(number)
      if (envelope !== undefined) {
        this.#envelopes.delete(number)
        return envelope
      }
      if (!this.#read()) return undefined
    }
  }

  /** Takes all arguments that were sent. */
  takeArguments(): [number: number, envelope: MessagePort][] {
    const all = [...this.#envelopes].filter(([number]) => number < PORT_VALUE_WORKER_UNIT)
    for (const [number] of all) this.#envelopes.delete(number)
    return all
  }

  /** Closes the envelope of this number unopened. */
  drop(number: number): void {
    this.take(number)?.close()
  }

  /** Reads what has come. */
  drain(): void {
    while (this.#read());
  }

  /** From now on reads by events too, not only when asked; this keeps no event loop alive. */
  listen(): void {
    if (this.#isListening) return
    this.#isListening = true
    this.#port.on('message', (message: Message) => this.#accept(message))
    this.#port.unref()
  }

  close(): void {
    this.#port.close()
  }

  #read(): boolean {
    const received = receiveMessageOnPort(this.#port) as { message: Message } | undefined
    if (received === undefined) return false
    this.#accept(received.message)
    return true
  }

  #accept([number, envelope]: Message): void {
    if (envelope === null) {
      this.#asked?.(number, this)
    } else if (envelope === undefined) {
      this.#envelopes.get(number)?.close()
      this.#envelopes.delete(number)
    } else {
      this.#envelopes.set(number, envelope)
    }
  }
}
