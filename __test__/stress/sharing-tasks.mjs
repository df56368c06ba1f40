/** The tasks of shared-stress.mjs. */
import { currentExecutor, moduleTasks, share } from 'concurrent-futures'

const own = moduleTasks(import.meta.url)
/** How long a task waits for its own. */
const LIMIT = 20_000

export function check(first, second, expected) {
  const found = [first.round, first.id, first.data.length, second.round, second.id, second.data.length]
  if (found.join() !== expected.join()) throw new Error(`got ${found}, not ${expected}`)
}

export function dies(_, isKilled) {
  if (isKilled) process.kill(process.pid, 'SIGKILL')
  process.exit(1)
}

export function spins() {
  for (;;);
}

export function read(value) {
  return value.round
}

export function sharesItself(value, isReleased, blocks) {
  const shared = share({ round: value.round, value })
  const future = currentExecutor().submit(own.read, shared)
  if (isReleased) shared.release()
  return blocks ? future.resultSync(LIMIT) : future.result()
}
