import vm from 'node:vm'
import test from 'ava'
import { binding } from '../lib/addon/binding.ts'
import { placedArgumentError } from '../lib/values/clone-error.ts'
import { pack as packValue, packObject, unpack } from '../lib/values/codec.ts'
import { NO_WRITING } from '../lib/values/means.ts'
import type { Means } from '../lib/values/means.ts'
import { FORM_AS_IS, FORM_CLONED, FORM_COMPACT, FORM_PLAIN, FORM_WRITTEN } from '../lib/addon/seam.ts'
import { cleanEnd, ended } from './child.ts'
import { behaviours } from './executors.ts'
import { pack, packedForm } from './packing.ts'
import { print } from './values-graph.ts'

const behaviour = behaviours(test)

function cross(value: unknown, means?: Means): any {
  const data = pack(value, means)
  // The addon copies the bytes.
  if (Buffer.isBuffer(data)) return Uint8Array.from(data)
  return unpack(packedForm, data)
}

function formOf(value: unknown, means?: Means): number {
  pack(value, means)
  return packedForm
}

/** What `run` throws; AVA 7 does not take a DOMException of Node 20 for an error. */
function thrownBy(run: () => unknown): Error {
  try {
    run()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

class Point {
  x = 1
  #hidden = 2
  get sum(): number {
    return this.x + this.#hidden
  }
}

const resizable = (): ArrayBuffer => new ArrayBuffer(8, { maxByteLength: 16 })
const circle: { self?: unknown } = {}
circle.self = circle
const shared = { s: 1 }
const named = Object.assign(new Error('own name'), { name: 'TypeError' })

const values: Record<string, unknown> = {
  'undefined in an object': { a: undefined, b: [undefined] },
  '-0 and NaN': [-0, NaN, Infinity, { z: -0 }],
  'a sparse array': [1, , 3],
  'an array of holes': new Array(5),
  'a huge array of holes': Object.assign(new Array(4_000_000_000), { 5: 1 }),
  'an array with extra properties': Object.assign([1, 2], { extra: 3 }),
  'an array with as many extra properties as holes': Object.assign([1, , 'a', undefined], { extra: 3 }),
  'a long array with properties that cannot be seen': Object.defineProperty(
    Object.assign(new Array(40).fill('a'), { [Symbol('s')]: 1 }),
    'extra',
    { value: 1 },
  ),
  'an array of a subclass': new (class Mine extends Array<number> {})(...[1, 2, 3]),
  bigint: { big: 12345678901234567890n, negative: -1n },
  dates: [new Date(0), new Date(NaN), Object.assign(new Date(1), { extra: 1 })],
  'regular expressions': [/a/gi, Object.assign(/b/y, { lastIndex: 3 })],
  'a Map with objects as keys': new Map<unknown, unknown>([
    [shared, shared],
    ['k', new Map()],
  ]),
  'a Set': new Set([1, shared, new Set()]),
  'a Map with a wrong iterator': Object.assign(new Map([[1, 2]]), { [Symbol.iterator]: () => [][Symbol.iterator]() }),
  errors: [new Error('a', { cause: { c: 1 } }), new RangeError('b'), new AggregateError([1], 'c'), named],
  'an error with an undefined cause': new Error('a', { cause: undefined }),
  'an error of a subclass with properties': Object.assign(new (class Mine extends TypeError {})('x'), { extra: 1 }),
  'boxed primitives': [new Number(-0), new String('s'), new Boolean(false), Object(1n)],
  'views of a part': [
    new Uint8Array(new ArrayBuffer(8), 2, 3),
    new DataView(new ArrayBuffer(8), 1, 4),
    new Float64Array(new ArrayBuffer(32), 8),
  ],
  'two views of one buffer': ((buffer) => [new Uint8Array(buffer), new Int16Array(buffer, 2), buffer])(new ArrayBuffer(8)),
  'a top-level view of a part': new Uint8Array(new ArrayBuffer(8), 2, 3),
  'resizable buffers': [
    resizable(),
    new Uint8Array(resizable()),
    new Uint8Array(resizable(), 2),
    new Uint8Array(resizable(), 2, 3),
    new DataView(resizable(), 2),
  ],
  'a resizable buffer': resizable(),
  'a view that follows its buffer': new Uint16Array(resizable()),
  'a whole Buffer': Buffer.from(new ArrayBuffer(4)),
  'a circle': circle,
  'one object twice': { a: shared, b: shared, c: [shared] },
  'a class instance': [new Point(), new Point()],
  'an object without prototype': Object.assign(Object.create(null), { a: 1 }),
  'an own __proto__': JSON.parse('{"__proto__":{"a":1},"b":2}'),
  'an object with toJSON data': { toJSON: 1, a: 2 },
  'a hidden toJSON': Object.defineProperty({ a: 1 }, 'toJSON', { value: () => 2 }),
  'symbol keys and hidden properties': Object.defineProperty({ a: 1, [Symbol('s')]: 2 }, 'hidden', { value: 3 }),
  'frozen objects': Object.freeze({ a: Object.freeze([1]) }),
  'lone surrogates': ['\ud800', { '\udc00': 'a\ud800b' }],
  'strings with zeros and quotes': { 'a"\\\0': '\u2028\n"' },
  'empty values': [{}, [], '', new Map(), new ArrayBuffer(0), new Uint8Array(0)],
  'integer keys': { 2: 'b', 1: 'a', x: 'c', [-1]: 'd' },
  'objects of another context': vm.runInNewContext(
    '({ a: 1, d: new Date(0), m: new Map([[1, [2]]]), b: new Uint8Array(3), e: Object.assign(new RangeError("x"), { stack: "" }) })',
  ),
  'a Date without its prototype': Object.setPrototypeOf(new Date(5), Object.prototype),
  'a Map without its prototype': [Object.setPrototypeOf(new Map([[1, 2]]), null)],
  'the environment': process.env,
  'a wide object': Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`key ${index}`, index])),
  'long lists': [Array.from({ length: 5_000 }, (_, index) => index / 3), Array.from({ length: 500 }, (_, index) => ({ index }))],
  'a long string': { s: 'é'.repeat(100_000) },
}
for (const item of ['a', 1, null]) {
  const holes: unknown[] = new Array(40).fill(item)
  delete holes[7]
  values[`a long array of ${item} with a hole`] = holes
  values[`a long array of ${item} with a hole and an extra property`] = Object.assign([...holes.slice(0, 7), , ...holes.slice(8)], {
    extra: 1,
  })
}
if (typeof Float16Array !== 'undefined') values['Float16Array'] = [new Float16Array([1.5]), new Float16Array(new ArrayBuffer(8), 2, 2)]

for (const [name, value] of Object.entries(values)) {
  test(`${name}: arrives as structuredClone gives it`, (t) => {
    t.is(print(cross(value)), print(structuredClone(value)))
    // Classes that were met before take another way.
    t.is(print(cross([value, value])), print(structuredClone([value, value])))
    t.is(print(cross([value, value], NO_WRITING)), print(structuredClone([value, value])))
  })
}

test('a value 1,000 deep arrives', (t) => {
  let value: unknown = null
  for (let depth = 0; depth < 1_000; depth++) value = depth % 2 === 0 ? [value] : { value }
  t.is(print(cross(value)), print(value))
})

test('a value too deep for structuredClone fails as it does there', (t) => {
  let value: unknown = null
  for (let depth = 0; depth < 1_000_000; depth++) value = { value }
  t.throws(() => structuredClone(value), { instanceOf: RangeError })
  t.throws(() => pack(value), { instanceOf: RangeError })
})

test('the ways are taken for what they are meant for', (t) => {
  for (const value of [undefined, null, 1, -0, 'text', 1n, new Uint8Array(3), new ArrayBuffer(3), Buffer.from('slice')])
    t.is(formOf(value), FORM_AS_IS)
  for (const value of [
    ...[{}, [], { a: [1, 'b', { c: null, d: 1.5 }] }, Object.create(null)],
    ...[{ a: undefined }, [-0], new Date(), [1n], [new Date(NaN)]],
  ]) {
    t.is(formOf(value), FORM_COMPACT)
    t.is(formOf(value, NO_WRITING), FORM_COMPACT)
  }
  const list = Array.from({ length: 400 }, (_, id) => ({ id, name: `name ${id}` }))
  for (const value of [
    list,
    { list, s: 'x'.repeat(10_000) },
    [...list, new Date()],
    Array.from({ length: 100 }, (_, index) => index / 3),
  ]) {
    t.is(formOf(value), binding.canWrite ? FORM_PLAIN : FORM_CLONED)
    t.is(formOf(value, NO_WRITING), FORM_CLONED)
  }
  for (const value of [new Map(), [list, list], [...list, new Map()], [2n ** 64n], resizable()]) {
    t.is(formOf(value), binding.canWrite ? FORM_WRITTEN : FORM_CLONED)
    t.is(formOf(value, NO_WRITING), FORM_CLONED)
  }
  for (const value of [{ part: Buffer.from('slice') }]) t.is(formOf(value), FORM_CLONED)
})

test('a getter is called once, whichever way its value goes', (t) => {
  for (const other of [1, new Date(0), undefined, new Point(), new (class Fresh {})()]) {
    let calls = 0
    const inner = {
      get value() {
        return ++calls
      },
    }
    const value = { other, list: [inner], inner }
    const copy = cross(value)
    t.is(calls, 1)
    t.is(copy.inner.value, 1)
    t.is(copy.list[0], copy.inner)
  }
})

test('a getter of an element is called once, and no code of the user runs for what is not read', (t) => {
  let calls = 0
  const list = [1, 2, 3]
  Object.defineProperty(list, 1, { get: () => ++calls, enumerable: true })
  const value = {
    list,
    get [Symbol.toStringTag](): string {
      calls += 100
      return 'x'
    },
  }
  t.deepEqual(cross([value, { [Symbol.toStringTag]: 1 }])[0].list, [1, 1, 3])
  t.is(calls, 1)
})

test('a getter that throws throws its own error', (t) => {
  const value = {
    get broken(): never {
      throw new RangeError('mine')
    },
  }
  t.throws(() => pack(value), { instanceOf: RangeError, message: 'mine' })
})

test('the traps of a proxy among the prototypes are left alone', (t) => {
  let calls = 0
  const traps = new Proxy(
    {},
    {
      get: () => (
        calls++,
        () => {
          throw new Error('a trap')
        }
      ),
    },
  )
  const prototype = new Proxy({}, traps)
  for (const value of [
    Object.setPrototypeOf({ a: 1 }, prototype),
    Object.setPrototypeOf({ a: 1 }, Object.create(prototype)),
    Object.setPrototypeOf([1], prototype),
  ]) {
    t.is(print(cross({ value })), print(structuredClone({ value })))
    t.is(print(cross(value)), print(structuredClone(value)))
  }
  t.is(calls, 0)
})

test('toJSON of a prototype is not called', (t) => {
  const prototype = Object.prototype as { toJSON?: unknown }
  Object.defineProperty(prototype, 'toJSON', { value: () => 'wrong', configurable: true })
  try {
    t.is(print(cross({ a: 1, b: [1] })), print({ a: 1, b: [1] }))
  } finally {
    delete prototype.toJSON
  }
})

test('a Buffer arrives as its own bytes and leaves its pool behind, also inside other values', (t) => {
  const slice = Buffer.from('hello')
  t.not(slice.byteLength, slice.buffer.byteLength)
  class Unknown {
    slice = slice
  }
  const whole = new Uint8Array([1, 2, 3, 4])
  for (const value of [
    { slice, whole, part: whole.subarray(1) },
    { unknown: new Unknown(), slice, whole, part: whole.subarray(1) },
  ]) {
    const copy = cross(value)
    t.is(copy.slice.constructor, Uint8Array)
    t.is(copy.slice.buffer.byteLength, 5)
    t.is(Buffer.from(copy.slice).toString(), 'hello')
    t.is(copy.part.buffer, copy.whole.buffer)
    t.deepEqual([...copy.part], [2, 3, 4])
    if ('unknown' in copy) t.is(copy.unknown.slice, copy.slice)
  }
})

const detached = ((buffer) => (structuredClone(buffer, { transfer: [buffer] }), buffer))(new ArrayBuffer(8))

const unclonable: [value: unknown, message: string][] = [
  [() => 1, 'result cannot be cloned: a function'],
  [Symbol('s'), 'result cannot be cloned: Symbol(s)'],
  [{ items: [1, 2, 3, { fn() {} }] }, 'result.items[3].fn cannot be cloned: the function fn'],
  [{ 'a b': { c: Symbol('s') } }, 'result["a b"].c cannot be cloned: Symbol(s)'],
  [new Proxy({}, {}), 'result cannot be cloned: a Proxy'],
  [[new Proxy([], {})], 'result[0] cannot be cloned: a Proxy'],
  [new Map([['k', { p: Promise.resolve() }]]), 'result.get("k").p cannot be cloned: an object of class Promise'],
  [new Set([new WeakMap()]), 'result.values()[0] cannot be cloned: an object of class WeakMap'],
  [new Error('e', { cause: Object.defineProperty(() => 1, 'name', { value: '' }) }), 'result.cause cannot be cloned: a function'],
  [
    {
      all: (function (..._all: unknown[]) {
        return arguments
      })(1, 'two'),
    },
    'result.all cannot be cloned: an arguments object',
  ],
  [detached, 'result cannot be cloned: a detached ArrayBuffer'],
  [{ view: new Uint8Array(1), detached }, 'result.detached cannot be cloned: a detached ArrayBuffer'],
  [{ deep: { ref: new WeakRef({}) } }, 'result.deep.ref cannot be cloned: an object of class WeakRef'],
]

for (const [value, message] of unclonable) {
  test(`DataCloneError: ${message}`, (t) => {
    t.is(thrownBy(() => structuredClone(value)).name, 'DataCloneError')
    const error = thrownBy(() => packValue(value, 'result'))
    t.true(error instanceof DOMException)
    t.is(error.name, 'DataCloneError')
    t.is(error.message, message)
  })
}

test('DataCloneError names the argument', (t) => {
  const args = [1, { options: { cb() {} } }]
  const error = thrownBy(() => packObject(args))
  t.is((placedArgumentError(args, error) as Error).message, 'argument 2.options.cb cannot be cloned: the function cb')
})

test('what structuredClone refuses is refused, never made a plain object', (t) => {
  for (const value of [new URL('http://localhost'), new ReadableStream(), new Headers(), detached, new WeakRef({})]) {
    let refused = false
    try {
      structuredClone({ value })
    } catch {
      refused = true
    }
    if (refused) t.is(thrownBy(() => pack({ value })).name, 'DataCloneError')
    else t.is(print(cross({ value })), print(structuredClone({ value })))
  }
})

behaviour('properties are an object’s own, whatever setters all objects have', async (t, { inChild }) => {
  const end = await inChild(async ({ create }) => {
    const executor = create(1)
    let calls = 0
    Object.defineProperty(Object.prototype, 'title', { set: () => calls++, get: () => 'none', configurable: true })
    const kinds = new Set<string>()
    for (const count of [1, 2, 100]) {
      for (let time = 0; time < 20; time++) {
        const rows = await executor.submit(
          (count: number) => Array.from({ length: count }, (_, id) => ({ title: `title ${id}`, id })),
          count,
        )
        for (const row of rows) kinds.add(`${Object.hasOwn(row, 'title')} ${row.title.slice(0, 5)}`)
      }
    }
    await executor.shutdown()
    return [calls, ...kinds]
  }, [])
  t.deepEqual(cleanEnd(end), ended([0, 'true title']))
})

test('a Buffer and another view of any length and offset go together', (t) => {
  // As doubles some of these have a byte that the engine takes for the beginning of a view.
  for (const length of [88, 2_091, 2_219, 2_347]) {
    const value = {
      part: Buffer.from('abc'),
      view: new Uint8Array(length),
      offset: new Uint8Array(new ArrayBuffer(length + 3), length, 3),
    }
    const { part, view, offset } = cross(value) as Record<string, Uint8Array>
    t.deepEqual([part?.length, view?.length, offset?.byteOffset, offset?.length], [3, length, length, 3])
  }
})

test('a view that is only like a Buffer brings its memory, and shares it', (t) => {
  const memory = new ArrayBuffer(100)
  const { one, other } = cross({
    buffer: Buffer.from(new ArrayBuffer(100), 0, 10),
    one: new Uint8Array(memory, 0, 10),
    other: new Uint8Array(memory, 0, 50),
  })
  t.is(one.buffer, other.buffer)
  t.is(one.buffer.byteLength, 100)
})

test('what is no plain object is not taken for one for want of a prototype', async (t) => {
  const module = await import('./limits.ts')
  for (const value of [module, { module }]) {
    t.is(thrownBy(() => structuredClone(value)).name, 'DataCloneError')
    t.is(thrownBy(() => cross(value)).name, 'DataCloneError')
  }
  const map = Object.setPrototypeOf(new Map([[1, 2]]), null) as object
  t.deepEqual(cross({ map: Object.assign(map, { extra: 1 }) }), { map: new Map([[1, 2]]) })
})

test('elements that others inherit do no harm', (t) => {
  const list = Array.from({ length: 40 }, (_, index) => `s${index}`)
  delete list[5]
  try {
    Object.defineProperty(Object.prototype, 5, { value: 'polluted', configurable: true })
    const copy = cross({ list, more: { a: 1 } }).list as string[]
    t.false(Object.hasOwn(copy, 5))
  } finally {
    delete (Object.prototype as Record<number, unknown>)[5]
  }
  for (const [form, text] of [
    [FORM_COMPACT, ''],
    [FORM_PLAIN, 'x'.repeat(5_000)],
  ] as [number, string][]) {
    const plain = {
      numbers: Array.from({ length: 60 }, (_, index) => index),
      items: Array.from({ length: 60 }, (_, index) => ({ index })),
      text,
    }
    const data = pack(plain)
    t.is(packedForm, form)
    try {
      Object.defineProperty(Array.prototype, 50, { set() {}, configurable: true })
      const copy = unpack(form, data) as typeof plain
      t.is(copy.numbers.length, 60)
      t.deepEqual([Object.hasOwn(copy.numbers, 50), copy.items.length, copy.items[50]?.index], [true, 60, 50])
    } finally {
      delete (Array.prototype as unknown[])[50]
      Array.prototype.length = 0
    }
  }
})

behaviour('methods that others inherit do no harm', async (t, { inChild }) => {
  const end = await inChild(async ({ create }) => {
    const executor = create(1)
    const pollute = (): void => {
      for (const prototype of [Array.prototype, Object.prototype])
        Object.defineProperty(prototype, 'toJSON', { value: () => 'polluted', configurable: true })
      for (const name of ['error', 'list', 'hidden', 'get']) Object.defineProperty(Object.prototype, name, { value: 1, configurable: true })
    }
    await executor.submit(pollute).result(20_000)
    const seen: unknown[] = []
    for (let index = 0; index < 12; index++)
      seen.push((await executor.submit((index: number) => ({ tm: 1, o: { z: index } }), index).result(20_000)).o.z)
    pollute()
    seen.push(await executor.submit((n: number) => n + 1, 12).result(20_000))
    const error = (await executor
      .submit(() => {
        throw Object.assign(new Error('mine'), { own: 5 })
      })
      .exception(20_000)) as { own?: unknown }
    seen.push(Object.hasOwn(error, 'own') && error.own)
    await executor.shutdown()
    return `${seen}`
  }, [])
  t.is(end.value, '0,1,2,3,4,5,6,7,8,9,10,11,13,5', end.errors)
})
