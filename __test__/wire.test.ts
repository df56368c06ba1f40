import test from 'ava'
import { createSecretKey, randomUUID } from 'node:crypto'
import { Blob } from 'node:buffer'
import { BlockList } from 'node:net'
import { MessageChannel } from 'node:worker_threads'
import { binding } from '../lib/addon/binding.ts'
import { FORM_CLONED, FORM_COMPACT, FORM_MOVED, FORM_PLAIN, FORM_WRITTEN } from '../lib/addon/seam.ts'
import { packArgs, packMovingArgs } from '../lib/values/arguments.ts'
import { pack, unpack } from '../lib/values/codec.ts'
import { WIRE, WIRE_UNWRITTEN } from '../lib/values/means.ts'
import type { Means } from '../lib/values/means.ts'
import { HEAD, KNOWN_SHAPE, OWN_SHAPE } from '../lib/values/plain/codes.ts'
import { packThrown, unpackThrown } from '../lib/values/thrown.ts'

function cross(value: unknown, means: Means = WIRE): any {
  const { form, data } = pack(value, 'result', means)
  return unpack(form, data)
}

const { WebAssembly } = globalThis as unknown as {
  WebAssembly: { Module: new (code: Uint8Array) => object; Memory: new (limits: object) => object }
}

const bound: [what: string, make: () => unknown, name: RegExp][] = [
  ['a SharedArrayBuffer', () => new SharedArrayBuffer(8), /SharedArrayBuffer/],
  ['a view of shared memory', () => new Int32Array(new SharedArrayBuffer(8)), /Int32Array/],
  ['a Blob', () => new Blob(['text']), /Blob/],
  ['a KeyObject', () => createSecretKey(Buffer.alloc(16)), /KeyObject/],
  ['a BlockList', () => new BlockList(), /BlockList/],
  ['a WebAssembly.Module', () => new WebAssembly.Module(Buffer.from('0061736d01000000', 'hex')), /Module/],
  ['a shared WebAssembly.Memory', () => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }), /Memory|SharedArrayBuffer/],
  ['a ReadableStream', () => new ReadableStream(), /ReadableStream/],
]

for (const [what, make, name] of bound) {
  test(`${what} does not leave its process, and the error names it and its place`, (t) => {
    for (const means of [WIRE, WIRE_UNWRITTEN]) {
      const value = { first: new Date(0), list: [1, { held: make() }] }
      const error = t.throws(() => pack(value, 'result', means), { any: true, name: 'DataCloneError' }) as Error
      t.regex(error.message, /^result\.list\[1\]\.held\b/)
      t.regex(error.message, name)
      const asArgument = t.throws(() => packArgs([0, value], means), { any: true, name: 'DataCloneError' }) as Error
      t.regex(asArgument.message, /^argument 2\.list\[1\]\.held\b/)
      t.regex(asArgument.message, name)
    }
  })

  test(`${what} beside a getter, in a Map, a Set or an error does not leave either`, (t) => {
    const read = {
      get held() {
        return make()
      },
    }
    for (const value of [read, new Map([['held', make()]]), new Set([make()]), new Error('', { cause: make() })]) {
      t.throws(() => pack({ value }, 'result', WIRE), { any: true, name: 'DataCloneError', message: name })
    }
  })
}

test('a port in a transfer list is refused by its place there, and stays open', (t) => {
  const { port1, port2 } = new MessageChannel()
  const bytes = new Uint8Array(8)
  t.throws(() => packMovingArgs([port1, bytes], [bytes.buffer, port1], WIRE), {
    any: true,
    name: 'DataCloneError',
    message: /transfer\[1\].*MessagePort/,
  })
  t.is(bytes.byteLength, 8)
  port1.close()
  port2.close()
})

test('buffers of a transfer list move to the addon', (t) => {
  const bytes = new Uint8Array(1 << 10).fill(7)
  const { form, emptied } = packMovingArgs([{ bytes }], [bytes.buffer], WIRE)
  t.is(form, FORM_MOVED)
  t.is(emptied, undefined)
})

test('buffers that lie beside a DOMException are copied, and emptied by whoever has the value accepted', (t) => {
  const bytes = new Uint8Array(1 << 10).fill(7)
  const reason = new DOMException('no', 'AbortError')
  const { form, data, emptied } = packMovingArgs([{ bytes, reason }], [bytes.buffer], WIRE)
  t.is(bytes.byteLength, 1 << 10)
  t.deepEqual(emptied, [bytes.buffer])
  const [back] = unpack(form, data)
  t.deepEqual(back.bytes, bytes)
  t.is(back.reason.name, 'AbortError')
})

test('a DOMException crosses wherever it lies, and stays one object', (t) => {
  const reason = new DOMException('stopped', 'AbortError')
  const cause = new Error('outer', { cause: reason })
  const value = {
    reason,
    list: [reason, [reason]],
    map: new Map<unknown, unknown>([
      [reason, 1],
      ['a', reason],
      ['b', 2],
    ]),
    set: new Set([0, reason, 2]),
    cause,
    ['__proto__2']: { bytes: new Uint8Array([1, 2, 3]), part: Buffer.from('part') },
  }
  for (const means of [WIRE, WIRE_UNWRITTEN]) {
    const back = cross(value, means)
    t.true(back.reason instanceof DOMException)
    t.is(back.reason.name, 'AbortError')
    t.is(back.reason.message, 'stopped')
    t.is(back.reason.code, DOMException.ABORT_ERR)
    t.is(back.list[0], back.reason)
    t.is(back.list[1][0], back.reason)
    t.deepEqual([...back.map.keys()], [back.reason, 'a', 'b'])
    t.is(back.map.get('a'), back.reason)
    t.deepEqual([...back.set], [0, back.reason, 2])
    t.is(back.cause.cause, back.reason)
    t.deepEqual(back.__proto__2.bytes, new Uint8Array([1, 2, 3]))
    t.is(String.fromCharCode(...back.__proto__2.part), 'part')
  }
  t.is(cross(reason).name, 'AbortError')
})

test('a DOMException that was thrown crosses with its own', (t) => {
  const thrown = new DOMException('stopped', { name: 'AbortError', cause: [new DOMException('x', 'DataError')] })
  const { form, data } = packThrown(thrown, WIRE)
  const back = unpackThrown(form, data) as DOMException
  t.true(back instanceof DOMException)
  t.is(back.code, DOMException.ABORT_ERR)
})

test('what of an error cannot leave its process is left out, and the rest arrives', (t) => {
  const thrown = Object.assign(new Error('failed'), { memory: new SharedArrayBuffer(8), blob: new Blob(['']), n: 1 })
  const { form, data } = packThrown(thrown, WIRE)
  const back = unpackThrown(form, data) as typeof thrown
  t.is(back.message, 'failed')
  t.is(back.n, 1)
  t.false('memory' in back)
  t.false('blob' in back)
})

test('plain data for another process refers to no shape by its number', (t) => {
  const [a, b] = [`a${randomUUID()}`, `b${randomUUID()}`]
  const make = (): unknown => ({ [a]: 1, [b]: 2 })
  let here = pack(make())
  for (let times = 0; times < 20; times++) here = pack(make())
  t.is(here.form, FORM_COMPACT)
  t.is((here.data as string).charCodeAt(HEAD), KNOWN_SHAPE)
  const { form, data } = pack(make(), 'result', WIRE)
  t.is(form, FORM_COMPACT)
  t.is((data as string).charCodeAt(HEAD), OWN_SHAPE)
  t.deepEqual(unpack(form, data), make())
})

test('every other form crosses as it does between threads', (t) => {
  class Point {
    x = 1
  }
  const large = Array.from({ length: 500 }, (_, index) => ({ index, text: `text ${index}`, half: index / 2 }))
  const values: [unknown, number[]][] = [
    [{ a: [1, 'b', null, undefined, 5n] }, [FORM_COMPACT]],
    [large, [FORM_PLAIN]],
    [new Map([[1, new Set([new Date(5)])]]), [FORM_WRITTEN, FORM_CLONED]],
    [
      [Buffer.from('part of a pool'), new Point()],
      [FORM_WRITTEN, FORM_CLONED],
    ],
  ]
  for (const [value, forms] of values) {
    const { form, data } = pack(value, 'result', WIRE)
    t.true(forms.includes(form) || !binding.canWrite, `form ${form}`)
    t.deepEqual(unpack(form, data), structuredClone(value))
  }
})
