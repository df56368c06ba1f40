/** The tasks of process-chaos.mjs. Each says in the log that it was called. */
import { appendFileSync } from 'node:fs'
import { currentExecutor } from 'concurrent-futures'

export function note(log, number) {
  appendFileSync(log, `${number}\n`)
  return number
}

export function slow(log, number, ms) {
  note(log, number)
  const end = Date.now() + ms
  while (Date.now() < end);
  return number
}

export async function later(log, number, ms) {
  note(log, number)
  await new Promise((resolve) => setTimeout(resolve, ms))
  return number
}

export async function nested(log, number) {
  note(log, number)
  const inner = currentExecutor().submit((n) => n, number)
  return number % 2 === 0 ? inner.resultSync(20_000) : await inner
}

export function large(log, number) {
  note(log, number)
  return new Uint8Array(3_000_000)
}

export function dies(log, number, way) {
  note(log, number)
  if (way < 3) process.kill(process.pid, 'SIGKILL')
  process.exit(way)
}

export function leaves(log, number) {
  setImmediate(() => process.kill(process.pid, 'SIGKILL'))
  return note(log, number)
}

export function endless(log, number) {
  note(log, number)
  for (;;);
}

export const told = (what) => what
