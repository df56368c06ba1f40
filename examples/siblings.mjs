// Structured use: a group of tasks under one signal. When one fails, the others are cancelled, running or
// not; nothing outlives the block.
//   node examples/siblings.mjs
// From Node 24 on, `await using executor = new ThreadPoolExecutor(3)` in place of `try` and `finally` does
// the same.
import { FIRST_EXCEPTION, ThreadPoolExecutor, wait } from 'concurrent-futures'
import { compute, failSoon, fetchPart } from './siblings-tasks.mjs'

const futures = []
const executor = new ThreadPoolExecutor(3)
try {
  const group = new AbortController()
  const inGroup = executor.with({ signal: group.signal })
  futures.push(inGroup.submit(fetchPart, 60_000), inGroup.submit(compute), inGroup.submit(failSoon, 100), inGroup.submit(fetchPart, 60_000))
  const { done, notDone } = await wait(futures, { returnWhen: FIRST_EXCEPTION })
  const [failed] = [...done]
  if (notDone.size > 0) group.abort(await failed.exception())
} finally {
  await executor.shutdown()
}
const ends = futures.map((future) => (future.cancelled() ? 'cancelled' : future.state))
const reason = await futures[0].result().catch((error) => error.cause?.message)
const isRight = ends.join() === 'cancelled,cancelled,finished,cancelled' && reason === 'this part is missing'
console.log(`siblings: ${ends.join(', ')}, because ${reason}: ${isRight ? 'right' : 'WRONG'}`)
if (!isRight) process.exitCode = 1
