import ava from 'ava'
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { native } from 'concurrent-futures'
import type { Bytes } from 'concurrent-futures'
import { SOON } from './limits.ts'
import { nativeBehaviours } from './native-work.ts'

const test = ava.serial
const behaviour = nativeBehaviours(test)
const everywhere = nativeBehaviours(test, [])

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

everywhere('sha256 gives the digests of node:crypto as 32 bytes', async (t, { run }) => {
  for (const text of ['', 'abc', 'ä€😀', 'x'.repeat(1_000_000)]) {
    const digest = await run(native.sha256, text)
    t.true(digest instanceof Uint8Array)
    t.is(digest.length, 32)
    t.is(hex(digest), createHash('sha256').update(text).digest('hex'))
  }
})

everywhere('blake3 gives the digests of its specification', async (t, { run }) => {
  t.is(hex(await run(native.blake3, '')), 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262')
  t.is(hex(await run(native.blake3, 'abc')), '6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85')
  // The specification's input of 102,400 bytes: 0 to 250, again and again.
  const input = Uint8Array.from({ length: 102_400 }, (_, index) => index % 251)
  t.is(hex(await run(native.blake3, input)), 'bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085')
})

everywhere('xxh3 gives 64 bits as a bigint', async (t, { run }) => {
  t.is(await run(native.xxh3, ''), 0x2d06800538d394c2n)
  t.is(await run(native.xxh3, 'abc'), 0x78af5f94892f3950n)
})

everywhere('crc32 gives the checksum of node:zlib', async (t, { run }) => {
  t.is(await run(native.crc32, '123456789'), 0xcbf43926)
  t.is(await run(native.crc32, ''), 0)
  const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 31) & 255)
  if (typeof crc32 === 'function') t.is(await run(native.crc32, bytes), crc32(bytes))
})

behaviour('bytes may be any view, an ArrayBuffer, shared memory, resizable memory or a string', async (t, { run }) => {
  const text = 'the very same bytes!'.repeat(4)
  const plain = new TextEncoder().encode(text)
  const around = new Uint8Array(plain.length + 24)
  around.set(plain, 8)
  const shared = new Uint8Array(new SharedArrayBuffer(plain.length))
  shared.set(plain)
  const Resizable = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => ArrayBuffer
  const resizable = new Uint8Array(new Resizable(plain.length, { maxByteLength: 4096 }))
  resizable.set(plain)
  const wanted = createHash('sha256').update(plain).digest('hex')
  const forms: Bytes[] = [
    text,
    plain,
    plain.buffer,
    Buffer.from(text),
    new Uint8Array(around.buffer, 8, plain.length),
    new DataView(around.buffer, 8, plain.length),
    new Uint16Array(around.buffer, 8, plain.length / 2),
    new Float64Array(around.buffer, 8, plain.length / 8),
    new BigInt64Array(around.buffer, 8, plain.length / 8),
    shared,
    shared.buffer,
    new DataView(shared.buffer),
    resizable,
    resizable.buffer,
  ]
  for (const bytes of forms) t.is(hex(await run(native.sha256, bytes)), wanted)
})

everywhere('strings are hashed as UTF-8, half surrogate pairs as U+FFFD', async (t, { run }) => {
  for (const text of ['é', 'ÿ'.repeat(70_000), '€', '😀', 'a\ud800b', '\udc00', '😀'.repeat(70_000)]) {
    t.is(hex(await run(native.sha256, text)), createHash('sha256').update(new TextEncoder().encode(text)).digest('hex'))
  }
})

everywhere('bytes are taken as they are at the call', async (t, { executor }) => {
  const bytes = new Uint8Array(4_000_000)
  const future = executor.submit(native.sha256, bytes)
  bytes.fill(1)
  t.is(hex(await future.result(SOON)), createHash('sha256').update(new Uint8Array(4_000_000)).digest('hex'))
})

behaviour('transferred bytes are detached once the task is accepted', async (t, { executor }) => {
  const bytes = new Uint8Array(100).fill(7)
  const wanted = createHash('sha256').update(bytes).digest('hex')
  const future = executor.with({ transfer: [bytes.buffer] }).submit(native.sha256, bytes)
  t.is(bytes.byteLength, 0)
  t.is(hex(await future.result(SOON)), wanted)
})

everywhere('what is no bytes is a TypeError of submit', (t, { submit }) => {
  const buffer = new ArrayBuffer(8)
  const view = new Uint8Array(buffer)
  structuredClone(buffer, { transfer: [buffer] })
  for (const value of [undefined, null, 5, 5n, true, {}, [1, 2], Symbol('s'), () => {}, buffer, view]) {
    t.throws(() => submit(native.sha256, value), { instanceOf: TypeError, message: /^bytes must/ })
  }
  t.throws(() => submit(native.crc32), { instanceOf: TypeError })
})

everywhere('a view that lies outside of its buffer, which has shrunk, is a TypeError of submit', (t, { submit }) => {
  type Resizable = ArrayBuffer & { resize(length: number): void }
  const buffer = new (ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => Resizable)(64, {
    maxByteLength: 64,
  })
  const views = [new Uint8Array(buffer, 32, 8), new Float64Array(buffer, 32, 1), new DataView(buffer, 32, 8), new Uint8Array(buffer, 32)]
  const inside = new Uint8Array(buffer, 16, 0)
  buffer.resize(16)
  for (const view of views)
    t.throws(() => submit(native.sha256, view), {
      instanceOf: TypeError,
      message: /^bytes must not be out of bounds/,
    })
  t.throws(() => submit(native.sort, views[1]), {
    instanceOf: TypeError,
    message: /^numbers must not be out of bounds/,
  })
  t.notThrows(() => submit(native.sha256, inside))
})

everywhere('an unknown option is a TypeError that names it', (t, { submit }) => {
  t.throws(() => submit(native.gzip, '', { levl: 1 }), { instanceOf: TypeError, message: /'levl'/ })
  t.throws(() => submit(native.gunzip, '', { level: 1 }), { instanceOf: TypeError, message: /'level'/ })
  t.throws(() => submit(native.argon2id, '', { memory: 1 }), { instanceOf: TypeError, message: /'memory'/ })
  t.throws(() => submit(native.matmul, [], [], { m: 0, k: 0, n: 0, o: 0 }), {
    instanceOf: TypeError,
    message: /'o'/,
  })
})

everywhere('sort gives a new Float64Array in the order of TypedArray.sort', async (t, { run }) => {
  const odd = [5, -0, 0, NaN, -Infinity, Infinity, -0, 1e-320, 2]
  t.deepEqual(await run(native.sort, odd), Float64Array.from(odd).sort())
  const numbers = Float64Array.from({ length: 200_000 }, (_, index) => Math.sin(index * 12.9898) * 43758.5453)
  const before = numbers.slice()
  const sorted = await run(native.sort, numbers)
  t.true(sorted instanceof Float64Array)
  t.deepEqual(numbers, before)
  t.deepEqual(sorted, numbers.slice().sort())
  t.deepEqual(await run(native.sort, new Int8Array([3, -1, 2])), new Float64Array([-1, 2, 3]))
  t.deepEqual(await run(native.sort, []), new Float64Array(0))
})

everywhere('select gives the number at index k of the sorted array', async (t, { run, submit }) => {
  const numbers = Float64Array.from({ length: 10_001 }, (_, index) => ((index * 7919) % 10_007) - 5000)
  const sorted = numbers.slice().sort()
  for (const k of [0, 1, 5000, 9999, 10_000]) t.is(await run(native.select, numbers, k), sorted[k] as number)
  for (const k of [-1, 10_001, 0.5]) t.throws(() => submit(native.select, numbers, k), { instanceOf: RangeError })
  t.throws(() => submit(native.select, [], 0), { instanceOf: RangeError })
  t.throws(() => submit(native.select, numbers, '1'), { instanceOf: TypeError })
})

everywhere('statistics gives count, sum, extremes, mean and population variance of any array of numbers', async (t, { run, submit }) => {
  const wanted = { count: 4, sum: 10, min: 1, max: 4, mean: 2.5, variance: 1.25 }
  const classes = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array]
  for (const Class of classes) t.deepEqual(await run(native.statistics, Class.of(1, 2, 3, 4)), wanted)
  t.deepEqual(await run(native.statistics, [1, 2, 3, 4]), wanted)
  t.is(Object.getPrototypeOf(await run(native.statistics, [1])), Object.prototype)
  t.deepEqual(await run(native.statistics, []), {
    count: 0,
    sum: 0,
    min: NaN,
    max: NaN,
    mean: NaN,
    variance: NaN,
  })
  t.is((await run(native.statistics, [0, -0])).min, -0)
  for (const wrong of [new BigInt64Array(1), ['1'], 'text', new DataView(new ArrayBuffer(8)), undefined]) {
    t.throws(() => submit(native.statistics, wrong), { instanceOf: TypeError })
  }
})

everywhere('statistics of finite numbers of any size has a variance that is a number', async (t, { run }) => {
  t.deepEqual(await run(native.statistics, [1e200]), {
    count: 1,
    sum: 1e200,
    min: 1e200,
    max: 1e200,
    mean: 1e200,
    variance: 0,
  })
  t.is((await run(native.statistics, new Float64Array(10_000).fill(2 ** 600))).variance, 0)
  t.is((await run(native.statistics, [1e308, -1e308])).variance, Infinity)
})

everywhere('an argument too many, such as options where there are none, is a TypeError', async (t, { submit }) => {
  t.throws(() => submit(native.sha256, 'abc', { level: 1 }), { instanceOf: TypeError, message: 'sha256 takes one argument, got 2' })
  t.throws(() => submit(native.select, [1], 0, {}), { instanceOf: TypeError, message: 'select takes 2 arguments, got 3' })
  t.notThrows(() => submit(native.countPrimes, 10, undefined))
})

everywhere('numbers of a class that is not taken are named by it in the error', (t, { submit }) => {
  for (const wrong of [new BigInt64Array(1), new DataView(new ArrayBuffer(8)), new ArrayBuffer(8)]) {
    t.throws(() => submit(native.sort, wrong), {
      instanceOf: TypeError,
      message: `numbers must be a typed array of numbers, got an object of class ${wrong.constructor.name}`,
    })
  }
})

everywhere('matmul multiplies, also an array by itself, and refuses wrong lengths', async (t, { run, submit }) => {
  const a = Float64Array.of(1, 2, 3, 4, 5, 6)
  t.deepEqual(await run(native.matmul, a, Float64Array.of(7, 8, 9, 10, 11, 12), { m: 2, k: 3, n: 2 }), Float64Array.of(58, 64, 139, 154))
  const square = Float64Array.of(1, 2, 3, 4)
  t.deepEqual(await run(native.matmul, square, square, { m: 2, k: 2, n: 2 }), Float64Array.of(7, 10, 15, 22))
  t.deepEqual(await run(native.matmul, [], [], { m: 2, k: 0, n: 1 }), Float64Array.of(0, 0))
  t.throws(() => submit(native.matmul, a, a, { m: 2, k: 3, n: 3 }), {
    instanceOf: RangeError,
    message: /b must have k \* n/,
  })
  t.throws(() => submit(native.matmul, a, a, { m: 1, k: 3, n: 2 }), {
    instanceOf: RangeError,
    message: /a must have m \* k/,
  })
  t.throws(() => submit(native.matmul, a, a, { m: 2, k: 3 }), { instanceOf: TypeError, message: /^n must/ })
  t.throws(() => submit(native.matmul, [], [], { m: 2 ** 30, k: 0, n: 2 ** 30 }), { instanceOf: RangeError })
})

everywhere('countPrimes counts them and checks its limit', async (t, { run, submit }) => {
  t.is(await run(native.countPrimes, 0), 0)
  t.is(await run(native.countPrimes, 2), 1)
  t.is(await run(native.countPrimes, 1_000_000), 78_498)
  t.is(await run(native.countPrimes, 1e12), 37_607_912_018)
  for (const limit of [-1, 1.5, 1e12 + 1, NaN]) t.throws(() => submit(native.countPrimes, limit), { instanceOf: RangeError })
  t.throws(() => submit(native.countPrimes, '5'), { instanceOf: TypeError })
})

everywhere('argon2id gives a PHC string that argon2Verify knows, with a random salt unless one is given', async (t, { run }) => {
  const options = { memoryCost: 64, timeCost: 1 }
  const [one, other] = [await run(native.argon2id, 'pässword', options), await run(native.argon2id, 'pässword', options)]
  t.not(one, other)
  t.regex(one, /^\$argon2id\$v=19\$m=64,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  t.true(await run(native.argon2Verify, one, 'pässword'))
  t.true(await run(native.argon2Verify, one, new TextEncoder().encode('pässword')))
  t.false(await run(native.argon2Verify, one, 'password'))
  // RFC 9106's reference program: echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1 -l 32
  const known = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
  t.is(await run(native.argon2id, 'password', { salt: 'somesalt', memoryCost: 65_536, timeCost: 2 }), known)
  t.regex(await run(native.argon2id, 'x'), /m=19456,t=2,p=1/)
})

everywhere('argon2id checks its options at submit, argon2Verify its hash when it runs', async (t, { run, submit }) => {
  const wrong = [
    { salt: 'short' },
    { memoryCost: 7 },
    { memoryCost: 2 ** 22 },
    { timeCost: 0 },
    { memoryCost: 2 ** 21, timeCost: 3 },
    { parallelism: 256 },
    { hashLength: 3 },
  ]
  for (const options of wrong) t.throws(() => submit(native.argon2id, 'x', options), { instanceOf: RangeError })
  t.throws(() => submit(native.argon2id, 'x', { timeCost: '2' }), { instanceOf: TypeError })
  t.throws(() => submit(native.argon2Verify, 5, 'x'), { instanceOf: TypeError })
  await t.throwsAsync(run(native.argon2Verify, 'no hash', 'x'), { message: /not a PHC string/ })
  await t.throwsAsync(
    run(native.argon2Verify, '$argon2id$v=19$m=4194304,t=9,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc', 'x'),
    { instanceOf: RangeError },
  )
})

everywhere('what a getter of the options does to the arguments is not lost on submit', async (t, { submit }) => {
  const password = new TextEncoder().encode('secret')
  const options = {
    memoryCost: 64,
    get timeCost() {
      structuredClone(null, { transfer: [password.buffer] })
      return 1
    },
  }
  t.throws(() => submit(native.argon2id, password, options), { instanceOf: TypeError, message: /detached/ })
  const numbers = Float64Array.of(1, 2)
  const shape = {
    m: 1,
    n: 1,
    get k() {
      structuredClone(null, { transfer: [numbers.buffer] })
      return 2
    },
  }
  t.throws(() => submit(native.matmul, numbers, numbers, shape), {
    instanceOf: TypeError,
    message: /detached/,
  })
  for (const name of ['salt', 'memoryCost', 'timeCost', 'parallelism', 'hashLength'])
    t.throws(() => submit(native.argon2id, 'x', { [name]: null }), { instanceOf: TypeError })
})

behaviour('shared numbers are copied, whatever class their array says its copies are of', async (t, { run }) => {
  const shared = new SharedArrayBuffer(80)
  let isAsked = false
  class Strange extends Float64Array {
    static get [Symbol.species](): Float64ArrayConstructor {
      isAsked = true
      return class {
        constructor(length: number) {
          return new Float64Array(shared, 0, length)
        }
      } as unknown as Float64ArrayConstructor
    }
  }
  const statistics = await run(native.statistics, new Strange(shared as unknown as ArrayBuffer).fill(3) as Float64Array)
  t.is(statistics.sum, 30)
  t.false(isAsked)
})

everywhere('a product without elements, of any shape, is empty', async (t, { run }) => {
  const none = new Float64Array(0)
  t.is((await run(native.matmul, none, none, { m: 0, k: 0, n: 2 ** 53 - 1 })).length, 0)
  t.deepEqual([...(await run(native.matmul, none, none, { m: 2, k: 0, n: 2 }))], [0, 0, 0, 0])
})

test('a native task cannot be called directly', (t) => {
  t.throws(() => native.sha256(''), { instanceOf: TypeError, message: /submit it to an executor/ })
  t.is(native.sha256.name, 'sha256')
  t.true(Object.isFrozen(native))
})

everywhere('map runs native tasks over several iterables', async (t, { executor }) => {
  const results: number[] = []
  for await (const count of executor.map(native.countPrimes, [10, 100, 1000])) results.push(count)
  t.deepEqual(results, [4, 25, 168])
})
