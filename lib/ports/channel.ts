/**
 * The line between the owner of a pool and one of its workers, for what only a MessagePort can carry. A value goes into a *box*
 * (envelope.ts). A box goes down the line with a number, before the addon hears that number. So whoever has the number finds the box by reading the line,
 * without waiting for an event.
 */
import { receiveMessageOnPort } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'

/** Asked for, it is no box: the worker answers in kind once it has handed its output on (output.ts). */
export const OUTPUT = -1

/** A box; `null` asks for the box of that number; nothing at all says that nobody will open it. */
type Message = [number: number, box?: MessagePort | null]

export class Line {
  readonly #port: MessagePort
  readonly #boxes: Map<number, MessagePort> = new Map()
  readonly #asked: ((number: number, line: Line) => void) | undefined
  #isListening = false

  /** `asked` is called when the other side asks for a box. */
  constructor(port: MessagePort, asked?: (number: number, line: Line) => void) {
    this.#port = port
    this.#asked = asked
  }

  /** Whether nothing that has come waits to be taken. */
  get isEmpty(): boolean {
    return this.#boxes.size === 0
  }

  send(number: number, box: MessagePort): void {
    this.#port.postMessage([number, box] satisfies Message, [box])
  }

  /** Nobody will open the box that was sent with this number. */
  recall(number: number): void {
    this.#port.postMessage([number] satisfies Message)
  }

  /** Asks for the box of this number. */
  ask(number: number): void {
    this.#port.postMessage([number, null] satisfies Message)
  }

  /** The box that was sent with this number. */
  take(number: number): MessagePort | undefined {
    for (;;) {
      const box = this.#boxes.get(number)
      if (box !== undefined) {
        this.#boxes.delete(number)
        return box
      }
      if (!this.#read()) return undefined
    }
  }

  /** Throws the box away. */
  drop(number: number): void {
    this.take(number)?.close()
  }

  /** Reads what has come. */
  drain(): void {
    while (this.#read());
  }

  /** Also reads what comes while nobody asks; this keeps no loop alive. */
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

  #accept([number, box]: Message): void {
    if (box === null) {
      this.#asked?.(number, this)
    } else if (box === undefined) {
      this.#boxes.get(number)?.close()
      this.#boxes.delete(number)
    } else {
      this.#boxes.set(number, box)
    }
  }
}
