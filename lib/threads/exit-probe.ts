/**
 * Whether a worker's thread has ended, for a thread that does not come back to its event loop, where the
 * worker's `exit` event waits: one port of a message channel goes to the worker, and is closed with its
 * isolate, whatever ends that.
 */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { clone } from '../host/clone.ts'

export class ExitProbe {
  #near: MessagePort
  /** The port to be transferred to the thread. */
  readonly port: MessagePort

  constructor() {
    const { port1, port2 } = new MessageChannel()
    this.#near = port1
    this.port = port2
  }

  /** Whether the thread has ended, or has closed its port. */
  hasExited(): boolean {
    // Processes the closing of the other port, which is the only message that can come.
    receiveMessageOnPort(this.#near)
    try {
      // A closed port cannot be moved: nothing else tells at once whether it is closed.
      this.#near = clone(this.#near, { transfer: [this.#near] })
      return false
    } catch {
      return true
    }
  }

  /** The probe is not asked any more. */
  close(): void {
    this.#near.close()
  }
}
