import { pools } from '../contestants.mjs'
import { flatten, inTurn, keepInFlight, oneByOne, percentile, startWorkers } from './flow.mjs'

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

const filler = (length) => Buffer.alloc(length, 'The quick brown fox. ').toString('latin1')

function objects(bytes) {
  const last = makeObject(0, bytes).customer.tags.at(-1)
  return inTurn(
    (i) => makeObject(i, bytes),
    (result, i) => result.id === i && result.customer.tags.at(-1) === last,
  )
}

function strings(length) {
  const template = filler(length - 8)
  return {
    argument: (i) => flatten(template + String(i).padStart(8, '0')),
    check: (result, i) => result.length === length && Number(result.slice(-8)) === i,
  }
}

function bytes(length) {
  const value = new Uint8Array(Buffer.from(filler(length)))
  return {
    argument(i) {
      value[length - 1] = i & 255
      return value
    },
    check: (result, i) => result.length === length && result[length - 1] === (i & 255) && result[7] === value[7],
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

export default {
  title: 'Values there and back, 2 workers',
  about:
    'Microseconds for a task that returns its argument. "One at a time": p50. "Many": 1,000 in flight, total time by the ' +
    'number of tasks. poolifier moves arguments only and jest-worker nothing: the rest of their 16 MiB is copied.',
  contestants: pools.filter((name) => name !== 'tinypool:1024'),
  rows: [
    { key: 'object200', label: '200 B object, one at a time', unit: 'µs', better: 'lower' },
    { key: 'object200many', label: '200 B object, many', unit: 'µs', better: 'lower' },
    { key: 'object10k', label: '10 KB object, one at a time', unit: 'µs', better: 'lower' },
    { key: 'object10kmany', label: '10 KB object, many', unit: 'µs', better: 'lower' },
    { key: 'text200many', label: '200 B string, many', unit: 'µs', better: 'lower' },
    { key: 'bytes1m', label: '1 MiB bytes, copied', unit: 'µs', better: 'lower' },
    { key: 'text1m', label: '1 MiB string', unit: 'µs', better: 'lower' },
    { key: 'moved16m', label: '16 MiB bytes, moved', unit: 'µs', better: 'lower' },
  ],
  async measure({ start, quick }) {
    const pool = await start({ workers: 2 })
    await startWorkers(pool, 2)
    const scale = quick ? 0.2 : 1
    const echo = (value) => pool.run('echo', value)

    const single = async (kind, tasks, run = echo) => {
      await oneByOne(run, { tasks: Math.ceil(tasks / 4), ...kind })
      return percentile(await oneByOne(run, { tasks: Math.ceil(tasks * scale), ...kind }), 0.5)
    }
    const many = async (kind, tasks) => {
      const count = Math.ceil(tasks * scale)
      await keepInFlight(echo, { tasks: Math.ceil(tasks / 5), inFlight: 1000, ...kind })
      return ((await keepInFlight(echo, { tasks: count, inFlight: 1000, ...kind })) / count) * 1000
    }

    const result = {
      object200: await single(objects(200), 8000),
      object200many: await many(objects(200), 40_000),
      object10k: await single(objects(10_000), 1500),
      object10kmany: await many(objects(10_000), 4000),
      text200many: await many(inTurn(strings(200).argument, strings(200).check), 50_000),
      bytes1m: await single(bytes(MIB), 500),
      text1m: await single(strings(MIB), 250),
      moved16m: await single(moved(16 * MIB), 100, pool.runTransfer),
    }
    return result
  },
}
