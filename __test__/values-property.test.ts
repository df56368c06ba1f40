/** Values made up by fast-check, compared with what structuredClone makes of them. */
import test from 'ava'
import fc from 'fast-check'
import { binding } from '../lib/addon/binding.ts'
import { pack as packValue, unpack } from '../lib/values/codec.ts'
import { NO_WRITING } from '../lib/values/means.ts'
import type { Means } from '../lib/values/means.ts'
import { FORM_COMPACT } from '../lib/addon/seam.ts'
import { readPlain } from '../lib/values/plain/reader.ts'
import type { Parts } from '../lib/values/plain/reader.ts'
import { writePlain } from '../lib/values/plain/writer.ts'
import { behaviours } from './executors.ts'
import { pack, packedForm } from './packing.ts'
import { print } from './values-graph.ts'

const behaviour = behaviours(test)

const RUNS = Number(process.env['VALUE_RUNS'] ?? 1_000)

/**
 * How a node of a graph looks; its children are leaves or, by number, nodes: any graph with circles and
 * shared nodes.
 */
type Child = { leaf: unknown } | { node: number }
interface Spec {
  kind: 'object' | 'array' | 'map' | 'set' | 'instance' | 'error' | 'bare' | 'sparse' | 'getter' | 'plain'
  keys: string[]
  children: Child[]
}

class Instance {
  readonly constant = 1
}

const buffers = (): ArrayBuffer[] => [
  Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]).buffer,
  new ArrayBuffer(8, { maxByteLength: 24 }),
  new ArrayBuffer(0),
]

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.constantFrom('', '\ud800', 'a\udfffb', '__proto__', 'toJSON', 'length', '0', '1'),
)
const leaf: fc.Arbitrary<unknown> = fc.oneof(
  text,
  fc.double(),
  fc.integer(),
  fc.bigInt(),
  fc.boolean(),
  fc.constantFrom(null, undefined, -0, NaN),
  fc.date({ noInvalidDate: false }),
  fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withSparseArray: true,
    withTypedArray: true,
    maxDepth: 2,
  }),
  fc.constantFrom(/a/g, /b/su).map((pattern) => new RegExp(pattern)),
  fc.record({
    view: fc.constantFrom('Uint8Array', 'Int16Array', 'DataView', 'ArrayBuffer'),
    buffer: fc.nat(2),
    from: fc.nat(2),
    length: fc.option(fc.nat(2)),
  }),
)
const plainLeaf: fc.Arbitrary<unknown> = fc.oneof(
  text,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
)

function child(of: fc.Arbitrary<unknown>): fc.Arbitrary<Child> {
  return fc.oneof(
    { weight: 3, arbitrary: of.map((value) => ({ leaf: value })) },
    { weight: 1, arbitrary: fc.nat(7).map((node) => ({ node })) },
  )
}

const specs: fc.Arbitrary<Spec[]> = fc.oneof(fc.constant(leaf), fc.constant(plainLeaf)).chain((of) =>
  fc.array(
    fc.record({
      kind:
        of === leaf
          ? fc.constantFrom('object', 'array', 'map', 'set', 'instance', 'error', 'bare', 'sparse', 'getter')
          : fc.constantFrom('object', 'array'),
      keys: fc.array(text, { minLength: 5, maxLength: 5 }),
      children: fc.array(child(of), { maxLength: 5 }),
    }) as fc.Arbitrary<Spec>,
    { minLength: 1, maxLength: 8 },
  ),
)

/** Builds the graph; `calls` counts the calls of its getters. */
function build(list: Spec[], calls: { count: number }): unknown {
  const memory = buffers()
  const nodes: any[] = list.map(({ kind }) => emptyNode(kind))
  const valueOf = (item: Child): unknown => ('node' in item ? nodes[item.node % nodes.length] : makeLeaf(item.leaf, memory))
  list.forEach(({ kind, keys, children }, index) => {
    const node = nodes[index]
    children.forEach((item, at) => {
      const [key, value] = [keys[at] as string, valueOf(item)]
      const define = (attributes: PropertyDescriptor): unknown =>
        Object.defineProperty(node, key, { enumerable: true, configurable: true, ...attributes })
      if (kind === 'array') node.push(value)
      else if (kind === 'sparse') node[at * 2] = value
      else if (kind === 'map') node.set(at % 2 === 0 ? key : value, value)
      else if (kind === 'set') node.add(value)
      else if (kind === 'error') node.cause = value
      else if (kind === 'getter' && at === 0) define({ get: () => (calls.count++, value) })
      else define({ value, writable: true })
    })
  })
  return nodes[0]
}

function emptyNode(kind: Spec['kind']): unknown {
  if (kind === 'array' || kind === 'sparse') return []
  if (kind === 'map') return new Map()
  if (kind === 'set') return new Set()
  if (kind === 'instance') return new Instance()
  if (kind === 'error') return new RangeError('made up')
  return kind === 'bare' ? Object.create(null) : {}
}

function makeLeaf(value: any, memory: ArrayBuffer[]): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'buffer') || typeof value.buffer !== 'number') return value
  const buffer = memory[value.buffer] as ArrayBuffer
  if (value.view === 'ArrayBuffer') return buffer
  const constructor = globalThis[value.view as 'Uint8Array']
  const from = buffer.byteLength === 0 ? 0 : value.from * 2
  const length = buffer.byteLength === 0 ? undefined : (value.length ?? undefined)
  return new constructor(buffer, from, length)
}

const FRAMES = / {4}at [^"]*/g

/**
 * A value without the stacks of its errors, or that there is none: Node 20 cannot clone an error that is its
 * own cause.
 */
function outcome(make: () => unknown): string {
  try {
    return print(make()).replaceAll(FRAMES, '')
  } catch {
    return 'refused'
  }
}

/** The same for what a worker gives back; `submit` may refuse, too. */
async function arrival(run: () => Promise<unknown>): Promise<string> {
  try {
    const value = await run()
    return outcome(() => value)
  } catch {
    return 'refused'
  }
}

function cross(value: unknown, means?: Means): unknown {
  const data = pack(value, means)
  return unpack(packedForm, data)
}

const roads: Record<string, (value: unknown) => unknown> = {
  'written by the addon': (value) => cross(value),
  'written by node:v8': (value) => cross(value, NO_WRITING),
}

for (const [name, road] of Object.entries(roads))
  test(`any value ${name} arrives as structuredClone gives it, and its getters are called once`, (t) => {
    fc.assert(
      fc.property(specs, (list) => {
        const [expectedCalls, calls] = [{ count: 0 }, { count: 0 }]
        const expected = outcome(() => structuredClone(build(list, expectedCalls)))
        const actual = outcome(() => road(build(list, calls)))
        if (actual !== expected) throw new Error(`${actual}\n${expected}`)
        if (calls.count !== expectedCalls.count) throw new Error(`${calls.count} calls instead of ${expectedCalls.count}`)
      }),
      { numRuns: RUNS },
    )
    t.pass()
  })

function readWritten(written: string | number): unknown {
  return readPlain(typeof written === 'string' ? written : (binding.readBack(written) as Parts))
}

const separated = fc.oneof(text, fc.constantFrom('\0', 'a\0b', 'x'.repeat(1_500), 'é'.repeat(700), 'Ł'))
const plain = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.oneof(
      separated,
      fc.integer(),
      fc.double(),
      fc.boolean(),
      fc.constantFrom(null, undefined, -0, 2 ** 31, -(2 ** 31), 2 ** 32),
      fc.date({ noInvalidDate: false }),
      fc.bigInt(),
    ),
    fc.array(separated, { maxLength: 60 }),
    fc.array(fc.integer(), { maxLength: 60 }),
    fc.array(fc.double(), { maxLength: 60 }),
    fc.array(tie('value'), { maxLength: 12 }),
    fc.dictionary(text, tie('value'), { maxKeys: 6 }),
    fc
      .tuple(fc.array(text, { maxLength: 4 }), fc.array(fc.array(tie('value'), { minLength: 4, maxLength: 4 }), { maxLength: 12 }))
      .map(([keys, rows]) => rows.map((row) => Object.fromEntries(keys.map((key, at) => [key, row[at]])))),
  ),
})).value

test('plain data that is taken apart is put together as structuredClone gives it', (t) => {
  if (!binding.canWrite) return t.pass()
  let count = 0
  fc.assert(
    fc.property(plain, (value) => {
      const written = writePlain(value, true)
      if (written === 0) return
      count++
      const actual = print(readWritten(written))
      const expected = print(structuredClone(value))
      if (actual !== expected) throw new Error(`${actual}\n${expected}`)
    }),
    { numRuns: 2 * RUNS },
  )
  t.true(count > RUNS / 2, `${count} values`)
})

test('any graph that can be taken apart is plain, and put together as structuredClone gives it, without a getter called', (t) => {
  if (!binding.canWrite) return t.pass()
  fc.assert(
    fc.property(specs, (list) => {
      const calls = { count: 0 }
      const written = writePlain(build(list, calls), true)
      if (calls.count !== 0) throw new Error('a getter was called')
      if (written === 0) return
      const actual = outcome(() => readWritten(written))
      const expected = outcome(() => structuredClone(build(list, calls)))
      if (actual !== expected) throw new Error(`${actual}\n${expected}`)
    }),
    { numRuns: 2 * RUNS },
  )
  t.pass()
})

/** More often than it takes until a shape has a number, whatever was packed before. */
const OFTEN = 100

/** Whether all shapes of a compact value have numbers: then its table is empty. */
function isKnown(data: unknown): boolean {
  return packedForm === FORM_COMPACT && (data as string).slice(4, 7) === '\0\0\0'
}

test('plain data of a structure that was met before arrives as structuredClone gives it', (t) => {
  let count = 0
  fc.assert(
    fc.property(plain, (inner) => {
      const value = { inner }
      let actual = ''
      for (let time = 0; time < OFTEN && !isKnown(pack(value)); time++);
      if (isKnown(pack(value))) count++
      actual = print(cross(value))
      pack(0)
      const expected = print(structuredClone(value))
      if (actual !== expected) throw new Error(`${actual}\n${expected}`)
    }),
    { numRuns: RUNS / 4 },
  )
  t.true(count > RUNS / 16, `${count} values`)
})

test('any graph whose structure was met before arrives as structuredClone gives it, and its getters are called once', (t) => {
  let count = 0
  fc.assert(
    fc.property(specs, (list) => {
      const [ignored, expectedCalls, calls] = [{ count: 0 }, { count: 0 }, { count: 0 }]
      const expected = outcome(() => structuredClone(build(list, expectedCalls)))
      outcome(() => {
        let isMet = false
        for (let time = 0; time < OFTEN && !isMet; time++) isMet = isKnown(pack(build(list, ignored)))
        if (isMet) count++
      })
      const actual = outcome(() => cross(build(list, calls)))
      pack(0)
      if (actual !== expected) throw new Error(`${actual}\n${expected}`)
      if (calls.count !== expectedCalls.count) throw new Error(`${calls.count} calls instead of ${expectedCalls.count}`)
    }),
    { numRuns: RUNS / 4 },
  )
  t.true(count > 0, `${count} values`)
})

test('whatever structuredClone refuses is a DataCloneError', (t) => {
  const bad = fc.constantFrom<() => unknown>(
    () => () => 1,
    () => Symbol('s'),
    () => new Proxy({}, {}),
    () => new Proxy([], {}),
    () => Promise.resolve(),
    () => new WeakSet(),
    () => (function* () {})(),
  )
  fc.assert(
    fc.property(specs, bad, fc.nat(7), (list, make, at) => {
      const bads = list.map((node, index) =>
        index === at % list.length ? { ...node, children: [{ leaf: make() }, ...node.children].slice(0, 5) } : node,
      )
      const value = build(bads, { count: 0 })
      let refused = false
      try {
        structuredClone(value)
      } catch (error) {
        // Node 20 writes an error that is its own cause and cannot read it.
        refused = (error as Error).name === 'DataCloneError'
      }
      if (!refused) return
      try {
        packValue(value, 'result')
      } catch (error) {
        if ((error as Error).name === 'DataCloneError' && (error as Error).message.startsWith('result')) return
        throw error
      }
      throw new Error('it was packed')
    }),
    { numRuns: RUNS },
  )
  t.pass()
})

behaviour('any two arguments go to a worker and come back as structuredClone gives them, with what they share', async (t, { create }) => {
  await using executor = create(1)
  const echo = (...args: unknown[]): unknown[] => args
  await fc.assert(
    fc.asyncProperty(specs, fc.boolean(), async (list, isTwice) => {
      const value = build(list, { count: 0 })
      const args = isTwice ? [value, value] : [value]
      const expected = outcome(() => structuredClone(args))
      const actual = await arrival(() => executor.submit(echo, ...args).result())
      if (actual !== expected) throw new Error(`${actual}\n${expected}`)
    }),
    { numRuns: Math.ceil(RUNS / 2) },
  )
  t.pass()
})

behaviour('any value that a worker makes arrives as structuredClone gives it', async (t, { create }) => {
  await using executor = create(1)
  const echo = (value: unknown): unknown => value
  await fc.assert(
    fc.asyncProperty(
      fc.anything({
        withBigInt: true,
        withBoxedValues: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withTypedArray: true,
        withSparseArray: true,
        withNullPrototype: true,
      }),
      async (value) => {
        const actual = print(await executor.submit(echo, value).result())
        const expected = print(structuredClone(value))
        if (actual !== expected) throw new Error(`${actual}\n${expected}`)
      },
    ),
    { numRuns: Math.ceil(RUNS / 2) },
  )
  t.pass()
})

behaviour('the caller may change an argument as soon as submit returns', async (t, { create }) => {
  await using executor = create(1)
  const [object, bytes, map] = [{ a: [1] }, new Uint8Array([1, 2]), new Map([[1, { b: 1 }]])]
  const future = executor.submit((...args: unknown[]) => args, object, bytes, map)
  const alone = executor.submit((value: Uint8Array) => value, bytes)
  object.a.push(2)
  bytes.fill(9)
  map.clear()
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  t.deepEqual(await future.result(), [{ a: [1] }, new Uint8Array([1, 2]), new Map([[1, { b: 1 }]])])
  t.deepEqual(await alone.result(), new Uint8Array([1, 2]))
})
