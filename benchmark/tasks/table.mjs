// A table, and the tasks that look something up in it.
import { workerData } from 'node:worker_threads'

const ROWS = 50_000

/** Some 4 MB when it is serialized. */
export function makeTable() {
  return new Map(Array.from({ length: ROWS }, (_, id) => [`key ${id}`, { id, name: `row number ${id}`, price: id / 4 }]))
}

export const keyOf = (i) => `key ${(i * 7919) % ROWS}`

export function isRight(price, i) {
  return price === ((i * 7919) % ROWS) / 4
}

export function priceOf(table, key) {
  return table.get(key).price
}

/** The same with the table in the task's one argument. */
export function priceIn({ table, key }) {
  return priceOf(table, key)
}

/** The same with the table that the worker was given when it started. */
export function priceOfOwn(key) {
  return priceOf((workerData.workerData ?? workerData).table, key)
}
