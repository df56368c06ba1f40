/** What the bytes of a value may do that hostile code in a child process has written: fail, and no more. */
import { serialize } from 'node:v8'
import test from 'ava'
import { pack, unpack } from '../lib/values/codec.ts'
import { FORM_CLONED, FORM_COMPACT } from '../lib/addon/seam.ts'
import { WIRE_UNWRITTEN } from '../lib/values/means.ts'
import { ARRAY, FRACTIONS, HEAD, INTEGERS, TEXTS } from '../lib/values/plain/codes.ts'
import { readPlain } from '../lib/values/plain/reader.ts'

/** The same numbers in every run. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const MOST_MS = 20_000

function attempt(read: () => unknown): void {
  try {
    read()
  } catch {
    // That is what should become of most.
  }
}

const values: unknown[] = [
  { a: [1, 'b', null, undefined, 5n, 0.5], list: ['x', 'y', 'z'], date: new Date(0), nested: [[[{ b: 1 }]]] },
  Array.from({ length: 40 }, (_, index) => ({ index, text: `text ${index}` })),
  [1, 2, 3, 4, 5, 1e6, -7],
]

test('a count beyond the bytes is refused before anything is made', (t) => {
  const huge = '\xff\xff\xff\xff\x0f'
  for (const code of [ARRAY, TEXTS, INTEGERS]) {
    t.throws(() => readPlain('\0'.repeat(HEAD) + String.fromCharCode(code) + huge), { instanceOf: RangeError })
  }
  const structure = '\0'.repeat(HEAD) + String.fromCharCode(FRACTIONS) + huge
  t.throws(() => readPlain([structure, new Float64Array(3), 0]), { instanceOf: RangeError })
  t.throws(() => readPlain(''), { instanceOf: RangeError })
})

test('plain data with bytes changed and cut off at random is read in no time, or refused', (t) => {
  const random = generator(1)
  const began = Date.now()
  for (let round = 0; round < 20_000; round++) {
    const { form, data } = pack(values[round % values.length], 'value', WIRE_UNWRITTEN)
    t.true(form === FORM_COMPACT)
    const characters = [...(data as string)]
    for (let changes = 1 + Math.floor(random() * 4); changes > 0; changes--) {
      characters[Math.floor(random() * characters.length)] = String.fromCharCode(Math.floor(random() * 256))
    }
    const text = characters.join('').slice(0, random() < 0.2 ? Math.floor(random() * characters.length) : undefined)
    attempt(() => unpack(FORM_COMPACT, text))
  }
  t.true(Date.now() - began < MOST_MS)
})

test('cloned values with bytes changed and cut off at random are read in no time, or refused', (t) => {
  const random = generator(2)
  const began = Date.now()
  const all = [
    new Map<unknown, unknown>([[{ a: 1 }, new Set([new Date(5), /x/g])]]),
    { part: Buffer.from('part'), view: new Float64Array(4), reason: new DOMException('a', 'AbortError') },
    [new Error('message', { cause: new TypeError('x') }), new Uint8Array(64)],
  ]
  for (let round = 0; round < 20_000; round++) {
    const { form, data } = pack(all[round % all.length], 'value', WIRE_UNWRITTEN)
    if (form !== FORM_CLONED) return t.fail(`form ${form}`)
    const bytes = Uint8Array.from(data as Uint8Array)
    for (let changes = 1 + Math.floor(random() * 4); changes > 0; changes--) {
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
    }
    const end = random() < 0.2 ? Math.floor(random() * bytes.length) : bytes.length
    attempt(() => unpack(FORM_CLONED, bytes.subarray(0, end)))
  }
  t.true(Date.now() - began < MOST_MS)
})

test('a view names no other class, such as one that opens a connection', (t) => {
  const { data } = pack({ part: Buffer.from('part'), view: new Uint16Array(4) }, 'value', WIRE_UNWRITTEN)
  const bytes = Buffer.from(data as Uint8Array)
  const at = bytes.indexOf('Uint16Array')
  t.true(at > 0)
  bytes.write('WeakWebSock', at, 'latin1')
  t.throws(() => unpack(FORM_CLONED, bytes), { instanceOf: TypeError, message: /WeakWebSock is no view/ })
})

test('exceptions that are none, or stand for nothing, are refused or left out', (t) => {
  for (const exceptions of [undefined, 5, [1], [[{}]], [[]], [[null, 'name']]]) {
    const bytes = Buffer.concat([Buffer.from([0]), serialize({ value: { a: 1 }, exceptions })])
    attempt(() => unpack(FORM_CLONED, bytes))
  }
  t.pass()
})
