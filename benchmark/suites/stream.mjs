import { ours } from '../contestants.mjs'
import { percentile } from '../flow.mjs'
import { KINDS } from '../tasks/values.mjs'

const WORKERS = 2

/** Reads all values of a stream and checks each; the milliseconds that it took. */
async function readAll(pool, kind, count) {
  const { isRight } = KINDS[kind]
  const began = performance.now()
  let i = 0
  for await (const value of pool.read({ kind, count })) {
    if (!isRight(value, i)) throw new Error(`value ${i} came back wrong`)
    i++
  }
  if (i !== count) throw new Error(`${i} values of ${count}`)
  return performance.now() - began
}

/** From the call to the first value, and to the end of a stream of ten. */
async function short(pool, streams) {
  const [firsts, ends] = [[], []]
  for (let k = 0; k < streams; k++) {
    const began = performance.now()
    let isFirst = true
    for await (const _ of pool.read({ kind: 'number', count: 10 })) {
      if (isFirst) firsts.push((performance.now() - began) * 1_000)
      isFirst = false
    }
    ends.push((performance.now() - began) * 1_000)
  }
  const p50 = (times) =>
    percentile(
      times.sort((a, b) => a - b),
      0.5,
    )
  return { firstValue: p50(firsts), ten: p50(ends) }
}

export default {
  title: 'Streams: values that a worker sends while it makes them',
  about:
    'A generator in a worker, read by `for await`, on 2 workers, warm. `stream` with the default of 16 values ahead of the ' +
    'reader and with 1,024, against piscina with a MessagePort that goes along with the task: a message a value, and one ' +
    'for 64 values; these have no back-pressure: the worker makes all of them, however slow the reader is. `result`: all ' +
    'values as one result.',
  peers: 'stream',
  stopsPools: true,
  contestants: [ours, `${ours}:1024`, 'piscina', 'piscina:batch', 'piscina:result'],
  rows: [
    { key: 'number', label: '200,000 numbers', unit: 'values/s', better: 'higher' },
    { key: 'row', label: '50,000 rows of some 100 bytes', unit: 'values/s', better: 'higher' },
    { key: 'firstValue', label: 'first value, p50', unit: 'µs', better: 'lower' },
    { key: 'ten', label: 'a stream of ten numbers, p50', unit: 'µs', better: 'lower' },
  ],
  async measure({ start, quick }) {
    const pool = await start({ workers: WORKERS })
    const [numbers, rows] = quick ? [20_000, 5_000] : [200_000, 50_000]
    await readAll(pool, 'number', numbers / 4)
    const number = (numbers / (await readAll(pool, 'number', numbers))) * 1_000
    await readAll(pool, 'row', rows / 4)
    const row = (rows / (await readAll(pool, 'row', rows))) * 1_000
    await short(pool, 50)
    const result = await short(pool, quick ? 100 : 1_000)
    await pool.stop()
    return { number, row, ...result }
  },
}
