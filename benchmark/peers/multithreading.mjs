import { initRuntime, move, shutdown, spawn } from 'multithreading'
import { work } from '../tasks/functions.mjs'

export const modes = { default: {} }

// A function travels as its source and may use nothing of its module: the same functions as in
// tasks/functions.mjs, but for the way in which they come by a thread's number. They are looked up by their
// source at each call, so short ones are fast ones.
const functions = {
  addOne: (n) => n + 1,
  echo: (value) => value,
  work,
  hold: async (ms) => {
    const { threadId } = await import('node:worker_threads')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
    return threadId
  },
}

// One pool a process, whose workers start when there is work for them. It keeps 65,536 tasks and no more:
// what is beyond that is lost.
export function start({ workers, mode }) {
  initRuntime({ maxWorkers: workers, ...modes[mode] })

  const run = async (name, argument) => {
    const result = await spawn(move(argument), functions[name]).join()
    if (!result.ok) throw result.error
    return result.value
  }
  return {
    // Bytes always move, both ways: who wants to keep his own gives a copy.
    run: (name, argument) => run(name, argument instanceof Uint8Array ? argument.slice() : argument),
    runTransfer: (bytes) => run('echo', bytes),
    stop: shutdown,
  }
}
