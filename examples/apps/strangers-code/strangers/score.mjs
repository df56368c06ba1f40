// Somebody else's code. Each function is asked for the score of a text, a number; all but the first try
// something else as well, and give 100 if nothing has kept them from it.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'

export const honest = (text) => new Set(text.split(/\s+/)).size

export const readsFiles = (path) => readFileSync(path).length && 100
export const writesFiles = (path) => writeFileSync(path, 'gotcha') ?? 100
export const readsSecrets = (name) => process.env[name].length && 100
export const startsPrograms = () => execFileSync('/bin/echo').length && 100
export const startsThreads = () => new Worker('', { eval: true }) && 100
export const loadsAddons = (path) => process.dlopen({ exports: {} }, path) ?? 100

export function neverEnds() {
  for (;;);
}

export function eatsMemory() {
  for (const all = []; ;) all.push(new Array(100_000).fill(0.5))
}

export const exits = () => process.exit(3)
export const crashes = () => process.kill(process.pid, 'SIGSEGV')

export async function strays() {
  setImmediate(() => {
    throw new Error('nobody catches this')
  })
  await new Promise(() => {})
}

export const lies = () => ({ score: 'a number? I think not' })

export async function connects(port) {
  await once(connect(port, '127.0.0.1'), 'connect')
  return 100
}

/** Signal 0 does nothing but ask whether a signal could be sent. */
export const sendsSignals = () => process.kill(process.ppid, 0) && 100

/** Buffers are no part of the heap that --max-old-space-size limits. */
export function eatsBuffers(megabytes) {
  const all = Array.from({ length: megabytes }, () => Buffer.alloc(2 ** 20, 1))
  return all.length === megabytes ? 100 : 0
}

export async function opensDatabases(path) {
  const { DatabaseSync } = await import('node:sqlite')
  new DatabaseSync(path).exec('create table gotcha (id)')
  return 100
}
