/**
 * A value that only a MessagePort can carry, on its way: an *envelope* is a port whose other side is closed
 * and whose only message is the value. So the value is cloned at once, can wait until its receiver is known,
 * and is passed on unopened.
 */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import type { MessagePort, Transferable } from 'node:worker_threads'

/**
 * Clones a value as it is now. What is in `transfer` moves. @throws as `structuredClone`; then nothing has
 * moved
 */
export function makeEnvelope(value: unknown, transfer: readonly object[] = []): MessagePort {
  const { port1, port2 } = new MessageChannel()
  try {
    port1.postMessage(value, transfer as Transferable[])
  } finally {
    port1.close()
  }
  return port2
}

/** Reads the value, once. */
export function openEnvelope(envelope: MessagePort): unknown {
  const received = receiveMessageOnPort(envelope) as { message: unknown } | undefined
  envelope.close()
  if (received === undefined) throw new Error('a value that only a MessagePort can carry was lost on its way')
  return received.message
}
