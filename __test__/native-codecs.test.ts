import ava from 'ava'
import { randomBytes } from 'node:crypto'
import * as zlib from 'node:zlib'
import { native } from 'concurrent-futures'
import { nativeBehaviours } from './native-work.ts'

const behaviour = nativeBehaviours(ava.serial, [])

const text = Buffer.from(Array.from({ length: 60_000 }, (_, index) => `line ${index % 977} of a text; `).join(''))
const inputs = [Buffer.alloc(0), Buffer.from('a'), text, randomBytes(700_000), Buffer.alloc(3_000_000)]
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

// Node has Zstandard since 22.15.
const zstd = zlib as unknown as {
  zstdCompressSync?: (bytes: Uint8Array) => Buffer
  zstdDecompressSync?: (bytes: Uint8Array) => Buffer
}

behaviour('what gzip makes, node:zlib reads, and the other way round', async (t, { run }) => {
  for (const input of inputs) {
    for (const level of [0, 1, 6, 9]) t.true(equal(zlib.gunzipSync(await run(native.gzip, input, { level })), input))
    t.true(equal(await run(native.gunzip, zlib.gzipSync(input)), input))
  }
})

behaviour('gunzip reads all members', async (t, { run }) => {
  const members = Buffer.concat([zlib.gzipSync('one '), zlib.gzipSync(''), zlib.gzipSync('two'), Buffer.alloc(20)])
  t.is(Buffer.from(await run(native.gunzip, members)).toString(), 'one two')
})

behaviour('what zstd makes, unzstd and node:zlib read, and the other way round', async (t, { run }) => {
  for (const input of inputs) {
    for (const level of [-5, 1, 3, 9, 19]) {
      const packed = await run(native.zstd, input, { level })
      t.true(equal(await run(native.unzstd, packed), input))
      if (zstd.zstdDecompressSync !== undefined) t.true(equal(zstd.zstdDecompressSync(packed), input))
    }
    if (zstd.zstdCompressSync !== undefined) t.true(equal(await run(native.unzstd, zstd.zstdCompressSync(input)), input))
  }
})

behaviour('a level out of range is a RangeError of submit', (t, { executor }) => {
  for (const level of [-1, 10, 1.5]) t.throws(() => executor.submit(native.gzip, '', { level }), { instanceOf: RangeError })
  for (const level of [-101, 23]) t.throws(() => executor.submit(native.zstd, '', { level }), { instanceOf: RangeError })
  t.throws(() => executor.submit(native.gunzip, '', { maxOutputLength: -1 }), { instanceOf: RangeError })
})

behaviour('a bomb stops at maxOutputLength', async (t, { run }) => {
  const bomb = await run(native.gzip, Buffer.alloc(256 << 20), { level: 1 })
  const frame = await run(native.zstd, Buffer.alloc(256 << 20))
  const wanted = { instanceOf: RangeError, code: 'ERR_BUFFER_TOO_LARGE', message: /maxOutputLength \(1000000 bytes\)/ }
  const before = process.memoryUsage().rss
  await t.throwsAsync(run(native.gunzip, bomb, { maxOutputLength: 1_000_000 }), wanted)
  await t.throwsAsync(run(native.unzstd, frame, { maxOutputLength: 1_000_000 }), wanted)
  t.true(process.memoryUsage().rss - before < 100e6)
  t.is((await run(native.gunzip, zlib.gzipSync('12345'), { maxOutputLength: 5 })).length, 5)
  await t.throwsAsync(run(native.gzip, randomBytes(10_000), { maxOutputLength: 500 }), {
    instanceOf: RangeError,
  })
})

behaviour('truncated, corrupt and empty input is an Error', async (t, { run }) => {
  for (const [task, packed] of [
    [native.gunzip, zlib.gzipSync(text)],
    [native.unzstd, await run(native.zstd, text)],
  ] as const) {
    await t.throwsAsync(run(task, ''), { instanceOf: Error })
    await t.throwsAsync(run(task, 'this is no archive'), { instanceOf: Error })
    for (const length of [1, 5, 20, packed.length >> 1, packed.length - 1]) {
      await t.throwsAsync(run(task, packed.subarray(0, length)), {
        instanceOf: Error,
        message: /early|damaged/,
      })
    }
    const damaged = Buffer.from(packed)
    damaged.fill(0xa5, packed.length >> 1, (packed.length >> 1) + 40)
    await t.throwsAsync(run(task, damaged), { instanceOf: Error })
    await t.throwsAsync(run(task, Buffer.concat([packed, Buffer.from('more')])), { instanceOf: Error })
  }
})
