import { pools } from '../contestants.mjs'
import { bytes, filler, flatten, inTurn, keepInFlight, oneByOne, percentile, startWorkers, withCpu } from '../flow.mjs'

const KIB = 1024
const MIB = 1024 * KIB

/** About `bytes` of JSON: strings, numbers, booleans, null, an array and a nested object. */
function makeObject(id, bytes) {
  const object = { id, name: 'invoice', paid: false, total: 1234.5, note: null, customer: { city: 'Łódź', tags: [] } }
  const tags = object.customer.tags
  const length = JSON.stringify(object).length
  for (let used = length; used < bytes; used += tags.at(-1).length + 3) tags.push(flatten(`tag-number-${tags.length}`))
  return object
}

function objects(bytes) {
  const last = makeObject(0, bytes).customer.tags.at(-1)
  return inTurn(
    (i) => makeObject(i, bytes),
    (result, i) => result.id === i && result.customer.tags.at(-1) === last,
  )
}

const record = (i) => ({
  ...{ id: i, name: flatten(`customer ${i}`), email: flatten(`c${i}@example.com`), active: i % 2 === 0, balance: i * 3.25 },
  tags: ['a', 'b'],
  address: { street: flatten(`Main ${i}`), city: 'Paris' },
})

/** So many objects in one, of 0.17 KB each. */
function records(count) {
  return inTurn(
    (i) => ({ id: i, records: Array.from({ length: count }, (_, k) => record(i + k)) }),
    (result, i) => result.id === i && result.records[count - 1].id === i + count - 1,
  )
}

/** What the driver of a database gives: some columns of text, numbers, null, and one Date. */
function databaseRows(bytes) {
  const text = filler(Math.floor(bytes / 8))
  const row = (i) => ({
    ...{ id: i, created: new Date(1.7e12 + i), score: i / 7, parent: null, active: true },
    ...Object.fromEntries(Array.from({ length: 8 }, (_, k) => [`column${k}`, flatten(text)])),
  })
  return inTurn(row, (result, i) => result.id === i && result.created.getTime() === 1.7e12 + i)
}

function strings(length) {
  const template = filler(length - 8)
  return {
    argument: (i) => flatten(template + String(i).padStart(8, '0')),
    check: (result, i) => result.length === length && Number(result.slice(-8)) === i,
  }
}

/** The same memory goes there and back, so that nothing but the hand-over is timed. */
function moved(length) {
  let value = new Uint8Array(Buffer.from(filler(length)))
  return {
    argument: () => value,
    check(result) {
      value = result
      return result.length === length && result[0] === 84
    },
  }
}

/** [key, label, kind, how many are timed], in the order of the columns. */
const SINGLE = [
  ['object200', '200 B object', () => objects(200), 8000],
  ['object10k', '10 KB object', () => objects(10_000), 1500],
  ['records8', '8 records, 1.4 KB', () => records(8), 6000],
  ['records48', '48 records, 8 KB', () => records(48), 1500],
  ['row', '2 KB row with a Date', () => databaseRows(2000), 6000],
  ['bytes1m', '1 MiB bytes, copied', () => bytes(MIB), 500],
  ['text1m', '1 MiB string', () => strings(MIB), 250],
  ['moved16m', '16 MiB bytes, moved', () => moved(16 * MIB), 100],
]
const MANY = [
  ['object200many', '200 B object', () => objects(200), 40_000],
  ['object10kmany', '10 KB object', () => objects(10_000), 4000],
  ['records8many', '8 records, 1.4 KB', () => records(8), 20_000],
  ['records48many', '48 records, 8 KB', () => records(48), 4000],
  ['rowmany', '2 KB row with a Date', () => databaseRows(2000), 20_000],
  ['text200many', '200 B string', () => inTurn(strings(200).argument, strings(200).check), 50_000],
]
/** How many of those that are measured cold, before anything else. */
const COLD = 300

const single = SINGLE.map(([key, label]) => ({ key, label, unit: 'µs', better: 'lower' }))
const cold = SINGLE.slice(0, 5).map(([key, label]) => ({
  key: `${key}-cold`,
  label,
  better: 'lower',
  group: `The first ${COLD} of each, one at a time, p50, µs`,
}))
const many = MANY.map(([key, label]) => ({ key, label, better: 'lower', group: 'Many, µs' }))
const cpu = MANY.map(([key, label]) => ({ key: `${key}-cpu`, label, better: 'lower', group: 'Many, CPU time of all threads, µs' }))

export default {
  title: 'Values there and back, 2 workers',
  about:
    'Microseconds for a task that returns its argument. "One at a time" (the first table): p50. "Many": 1,000 in flight, ' +
    'total time by the number of tasks. poolifier moves arguments only and jest-worker nothing: the ' +
    'rest of their 16 MiB is copied.',
  contestants: [...pools.filter((name) => name !== 'tinypool:1024'), 'worker_threads', 'worker_threads:batch'],
  rows: [...single, ...many, ...cold, ...cpu],
  async measure({ start, quick }) {
    const pool = await start({ workers: 2 })
    await startWorkers(pool, 2)
    const scale = quick ? 0.2 : 1
    const echo = (value) => pool.run('echo', value)
    const result = {}
    for (const [key, , make, tasks] of SINGLE) {
      const kind = make()
      const run = key === 'moved16m' ? pool.runTransfer : echo
      if (cold.some((row) => row.key === `${key}-cold`)) {
        result[`${key}-cold`] = percentile(await oneByOne(run, { tasks: COLD, ...kind }), 0.5)
      }
      await oneByOne(run, { tasks: Math.ceil(tasks / 4), ...kind })
      result[key] = percentile(await oneByOne(run, { tasks: Math.ceil(tasks * scale), ...kind }), 0.5)
    }
    for (const [key, , make, tasks] of MANY) {
      const kind = make()
      const count = Math.ceil(tasks * scale)
      await keepInFlight(echo, { tasks: Math.ceil(tasks / 5), inFlight: 1000, ...kind })
      const took = await withCpu(() => keepInFlight(echo, { tasks: count, inFlight: 1000, ...kind }))
      result[key] = (took.ms / count) * 1000
      result[`${key}-cpu`] = took.cpu / count
    }
    return result
  },
}
