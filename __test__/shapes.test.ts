/** Plain values of shapes that were met before (lib/values/plain/shapes.ts). */
import test from 'ava'
import { unpack } from '../lib/values/codec.ts'
import { FORM_COMPACT } from '../lib/addon/seam.ts'
import { HEAD, KNOWN_SHAPE } from '../lib/values/plain/codes.ts'
import { moduleTasks } from '../dist/index.js'
import { behaviours } from './executors.ts'
import { make as makeHere } from './fixtures/templated.mjs'
import { SOON } from './limits.ts'
import { pack, packedForm } from './packing.ts'
import { print } from './values-graph.ts'

const behaviour = behaviours(test)

/** More often than it takes until a shape has a number. */
const OFTEN = 100

/** Packs values of one structure until their shapes have numbers. */
function learn(make: (time: number) => unknown): void {
  for (let time = 0; time < OFTEN; time++) pack(make(time))
}

/** Whether the value packed last is an object of a shape that has a number. */
let isKnown = false

function cross(value: unknown): unknown {
  const data = pack(value)
  isKnown = packedForm === FORM_COMPACT && (data as string).charCodeAt(HEAD) === KNOWN_SHAPE
  return unpack(packedForm, data)
}

const strings = [
  '',
  'a',
  'é',
  'Ł',
  '\0',
  'a\0b',
  '\ud800',
  '💡',
  'x'.repeat(252),
  'x'.repeat(253),
  'é'.repeat(254),
  'Ł'.repeat(255),
  'x'.repeat(1_000),
]
const dates = [0, 1, -1, 1.7e12, 8.64e15, -8.64e15, NaN].map((time) => new Date(time))
const bigints = [0n, 1n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)]
const numbers = [
  0,
  -0,
  1,
  -1,
  249,
  250,
  255,
  256,
  65_535,
  65_536,
  -65_536,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  -(2 ** 31) - 1,
  0.1,
  1e300,
  5e-324,
  NaN,
  Infinity,
  -Infinity,
  Number.MAX_SAFE_INTEGER,
]

for (const [what, items] of [
  ['text', strings],
  ['number', numbers],
  ['flag', [true, false]],
  ['date', dates],
  ['bigint', bigints],
] as [string, unknown[]][]) {
  test(`any ${what} arrives in the place of another one, and so does anything else`, (t) => {
    learn((time) => ({ [what]: items[time % items.length], after: 'after' }))
    for (const item of [...items, null, undefined, 'text', 0.5, new Date(5), [1, 'a'], { of: 1 }]) {
      const value = { [what]: item, after: 'after' }
      t.is(print(cross(value)), print(value))
      t.true(isKnown, print(value))
    }
  })
}

test('lists of texts and of numbers may be of any length', (t) => {
  for (const items of [strings.slice(0, 11), numbers]) {
    learn((time) => ({ list: items.slice(0, 1 + (time % items.length)), after: 1 }))
    for (let length = 0; length <= items.length; length++) {
      const value = { list: items.slice(0, length), after: 1 }
      t.is(print(cross(value)), print(value))
      t.true(isKnown)
    }
  }
})

test('keys of all sorts keep their order and their meaning', (t) => {
  for (const keys of [
    ['2', '1', 'b', 'a'],
    ['constructor', 'toString', 'length'],
    ['\ud800', '"', '\\', '\u2028', '', ' ', 'if'],
    ['a', 'b', '10', '9'],
  ]) {
    const make = (): unknown => Object.fromEntries(keys.map((key, index) => [key, index]))
    learn(make)
    t.is(print(cross(make())), print(make()))
    t.true(isKnown)
  }
})

test('an own property __proto__ stays one', (t) => {
  const make = (): unknown => JSON.parse('{"a":1,"__proto__":{"b":2}}')
  learn(make)
  t.is(print(cross(make())), print(make()))
  t.true(isKnown)
})

test('what only looks like a known structure goes another way', (t) => {
  learn((time) => ({ one: { text: 'abc', list: [time, time] }, two: null }))
  const shared = { text: 'abc', list: [1, 2] }
  const sparse = [1, , 3] as number[] & { extra?: number }
  sparse.extra = 4
  let calls = 0
  const getter = { get text() { return `${++calls}` }, list: [1, 2] } // prettier-ignore
  const hidden = Object.defineProperty({ text: 'abc', list: [1, 2] }, 'more', { value: 1, enumerable: false })
  const others: unknown[] = [
    { one: shared, two: shared },
    { one: { text: 'abc', list: sparse }, two: null },
    { one: { text: 'abc', list: new Array(2) }, two: null },
  ]
  for (const value of [
    ...others,
    { one: hidden, two: null },
    { one: { list: [1, 2], text: 'abc' }, two: null },
    { one: new Map(), two: null },
    { two: null },
    { one: { text: 'abc', list: new Uint8Array(2) }, two: null },
  ]) {
    t.is(print(cross(value)), print(structuredClone(value)))
  }
  t.deepEqual(cross({ one: getter, two: null }), { one: { text: '1', list: [1, 2] }, two: null })
  t.is(calls, 1)
})

test('a structure is learned also after many that never come again', (t) => {
  for (const value of [
    { late: 'text', number: 1 },
    { late: undefined, number: NaN },
  ]) {
    for (let time = 0; time < 20_000; time++) pack({ [`key${time}`]: time, [`other${time % 7}`]: 'x' })
    // One in so many values may add to what is known.
    for (let time = 0; time < 10 * OFTEN; time++) pack({ ...value })
    cross(value)
    t.true(isKnown)
  }
})

test('what is no plain Date crosses as structuredClone gives it', (t) => {
  class Day extends Date {
    readonly constant = 1
  }
  const date = new Date(5)
  const others: unknown[] = [
    new Day(7),
    Object.assign(new Date(8), { own: 1 }),
    Object.setPrototypeOf(new Date(9), null),
    Object.setPrototypeOf(new Date(9), Object.prototype),
    Object.setPrototypeOf({}, Date.prototype),
    Object.defineProperty(new Date(10), 'getTime', { value: () => 3 }),
    [date, date],
    [2n ** 63n, -(2n ** 63n) - 1n],
  ]
  for (const other of others) t.is(print(cross({ other })), print(structuredClone({ other })))
})

test('an object has as many keys as it likes, of known shapes and of others', (t) => {
  for (const count of [0, 1, 255, 256, 257, 999, 1_000, 1_001]) {
    const make = (time: number): unknown =>
      [1, 2].map((n) => Object.fromEntries(Array.from({ length: count }, (_, key) => [`key ${key}`, key % 9 === n ? time : null])))
    learn(make)
    t.is(print(cross(make(5))), print(make(5)))
  }
})

test('shapes of all keys that come once leave room for those that come again', (t) => {
  const value = { early: 1, list: [{ id: 1, at: new Date(3) }] }
  learn(() => value)
  for (let time = 0; time < 20_000; time++) pack({ [`once${time}`]: { [`more${time}`]: 'x' } })
  cross(value)
  t.true(isKnown)
})

test('a value as large as a small one may be arrives whole', (t) => {
  const row = (id: number): unknown => ({ id, name: 'name', tags: ['a', 'b'], at: [1.5, 2.5], of: null })
  const make = (): unknown => ({
    rows: Array.from({ length: 7 }, (_, index) => row(index)),
    text: 'x'.repeat(500),
  })
  learn(make)
  t.is(print(cross(make())), print(make()))
})

behaviour('values of one structure arrive on both ways of a task, whichever worker runs it', async (t, { create }) => {
  await using executor = create(2)
  const make = (index: number): unknown => ({
    index,
    name: `name ${index}`,
    price: index / 8,
    of: { tags: ['Łódź', String(index)], none: undefined },
  })
  const results = await Promise.all(
    Array.from({ length: 2_000 }, (_, index) => executor.submit((value: unknown) => value, make(index)).result()),
  )
  results.forEach((result, index) => t.is(print(result), print(make(index))))
})

behaviour('a task that is stopped while its result is written harms none of the next results', async (t, { create }) => {
  const { make } = moduleTasks<typeof import('./fixtures/templated.mjs')>(new URL('./fixtures/templated.mjs', import.meta.url))
  await using executor = create(1)
  for (let round = 0; round < 500; round++) {
    const keys = (round % 5) * 20
    const stopped = executor.submit(make, round, Math.random() * 40, keys)
    while (stopped.state === 'pending');
    const end = performance.now() + Math.random() * 0.06
    while (performance.now() < end);
    stopped.cancel({ interrupt: true })
    const value: unknown = await executor.submit(make, round, 0, keys).result(SOON)
    if (print(value) !== print(makeHere(round, 0, keys))) t.fail(`round ${round}: ${print(value)}`)
  }
  t.pass()
})
