/** Those who wait for an event of a pool. */
import { binding } from '../addon/binding.ts'

/** Settles the waits that a pool's event ends. Meanwhile the addon keeps the event loop alive. */
export class Waiters {
  #list: (() => void)[] = []

  wait(): Promise<void> {
    binding.keepAlive(true)
    return new Promise((resolve) => this.#list.push(resolve))
  }

  wake(): void {
    const list = this.#list
    this.#list = []
    for (const resolve of list) {
      binding.keepAlive(false)
      resolve()
    }
  }
}
