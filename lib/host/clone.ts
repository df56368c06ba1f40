/** `structuredClone`, taken once, when the package is loaded; some test environments have none. */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import type { Transferable } from 'node:worker_threads'

type Clone = <T>(value: T, options?: { transfer?: readonly object[] }) => T

function byPort<T>(value: T, options?: { transfer?: readonly object[] }): T {
  const { port1, port2 } = new MessageChannel()
  try {
    port1.postMessage(value, (options?.transfer ?? []) as Transferable[])
    return (receiveMessageOnPort(port2) as { message: T }).message
  } finally {
    port1.close()
  }
}

export const clone: Clone =
  typeof structuredClone === 'function' ? (structuredClone as unknown as Clone) : byPort
