/**
 * Tells that a worker's thread has ended to a thread that does not come back to its event loop, where the
 * worker's `exit` event waits: one end of a message channel goes to the worker, and is closed with its
 * isolate, whatever ends that.
 */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'

export class ExitProbe {
  #near: MessagePort
  /** For the thread: to be transferred to it. */
  readonly port: MessagePort

  constructor() {
    const { port1, port2 } = new MessageChannel()
    this.#near = port1
    this.port = port2
  }

  /** Whether the thread, or its end of the channel, has gone. */
  hasExited(): boolean {
    // Takes in the news of the other end's closing, which is the only message there can be.
    receiveMessageOnPort(this.#near)
    try {
      // A closed port cannot be moved, which is the only thing about it that can be seen at once.
      this.#near = structuredClone(this.#near, { transfer: [this.#near] })
      return false
    } catch {
      return true
    }
  }

  /** Nobody asks any more. */
  close(): void {
    this.#near.close()
  }
}
