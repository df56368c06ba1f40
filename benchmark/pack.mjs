// node benchmark/pack.mjs: what packing a value and unpacking it costs in one thread, beside
// `structuredClone`; the figures of docs/values.md.
import { pack, packedForm, unpack } from '../dist/codec.js'
import { packThrown, thrownForm, unpackThrown } from '../dist/error-codec.js'
import { binding } from '../dist/binding.js'

const WAYS = { 0: 'as it is', 1: 'JSON', 2: '`node:v8`', 5: 'written' }
const WRITTEN = 5
const ROUNDS = 300

class Point {
  x = 1
  y = 2
}

const object = (id) => ({ id, name: 'invoice', paid: false, total: 1234.5, note: null, customer: { city: 'Łódź', tags: ['tag-number-0', 'tag-number-1', 'tag-number-2', 'tag-3'] } })
const record = (i) => ({ id: i, name: `customer ${i}`, email: `c${i}@example.com`, active: i % 2 === 0, balance: i * 3.25, tags: ['a', 'b'], address: { street: `Main ${i}`, city: 'Paris' } })
const twice = object(2)

const values = {
  'plain object, 200 B of JSON': object(1),
  '70 records, 10 KB': Array.from({ length: 70 }, (_, i) => record(i)),
  '560 strings, 10 KB': { tags: Array.from({ length: 560 }, (_, i) => `tag-number-${i}`) },
  'the same, read before': structuredClone({ tags: Array.from({ length: 560 }, (_, i) => `tag-number-${i}`) }),
  '1,000 integers': Array.from({ length: 1000 }, (_, i) => i),
  '1,000 fractions': Array.from({ length: 1000 }, (_, i) => i / 7),
  '200 B object with an undefined field': { ...object(1), missing: undefined },
  '200 B object with a Date': { ...object(1), when: new Date(0) },
  'Map of 10': new Map(Array.from({ length: 10 }, (_, i) => [i, `value ${i}`])),
  'instance of a class': new Point(),
  'one object twice': [twice, twice],
  'object with a getter': { get value() { return 1 }, other: 2 },
  'Buffer inside an object': { bytes: Buffer.from('hello') },
  '1 MiB string inside an object': { text: Buffer.alloc(2 ** 20, 'The quick brown fox. ').toString('latin1') },
}

function cross(value) {
  const data = pack(value)
  return packedForm === WRITTEN ? binding.readBack(data) : unpack(packedForm, data)
}

function crossThrown(error) {
  const data = packThrown(error)
  // The last bits say that it is a description.
  return unpackThrown((thrownForm & 7) === WRITTEN ? (thrownForm & ~7) : thrownForm, (thrownForm & 7) === WRITTEN ? binding.readBack(data) : data)
}

/** Microseconds of one call, the best of many rounds. */
function best(fn) {
  for (let i = 0; i < 1000; i++) fn()
  let least = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    for (let i = 0; i < 20; i++) fn()
    least = Math.min(least, ((performance.now() - start) * 1000) / 20)
  }
  return least >= 100 ? least.toFixed(0) : least.toPrecision(2)
}

console.log(`| value, Node ${process.versions.node} | way | µs | structuredClone, µs |\n|---|---|---:|---:|`)
for (const [name, value] of Object.entries(values)) {
  // An instance of a class takes another way when the class was met before.
  cross(value)
  cross(value)
  const way = WAYS[packedForm]
  console.log(`| ${name} | ${way} | ${best(() => cross(value))} | ${best(() => structuredClone(value))} |`)
}
const simple = new TypeError('wrong')
console.log(`| a thrown TypeError | ${(packThrown(simple), WAYS[thrownForm & 7])} | ${best(() => crossThrown(simple))} | ${best(() => structuredClone(simple))} |`)
