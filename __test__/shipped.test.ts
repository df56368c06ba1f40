/** What keeps a binary from being shipped is found in the file itself: faults are planted, one by one. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ava from 'ava'
import { faultsOf } from '../scripts/cross/inspect.mjs'
import { BINARY } from '../scripts/budgets.mjs'
import { targets } from '../scripts/cross/targets.mjs'
import { isNewer } from '../scripts/newer.mjs'
import { ownPlatform } from '../scripts/platforms.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const platform: string = ownPlatform()
const test = Object.hasOwn(targets, platform) ? ava : ava.skip
const folder = mkdtempSync(join(tmpdir(), 'concurrent-futures-'))
ava.after.always(() => rmSync(folder, { recursive: true }))

const GNU_STACK = 0x6474e551
const GNU_RELRO = 0x6474e552
const [HEADERS, HEADER, COUNT] = [32, 54, 56]

function addon(): Buffer {
  return readFileSync(join(root, `concurrent-futures.${platform}.node`))
}

function faults(bytes: Buffer, of = platform): string[] {
  const path = join(folder, 'planted.node')
  writeFileSync(path, bytes)
  return faultsOf(path, of)
}

/** Where the program header of a type begins. */
function headerOf(bytes: Buffer, type: number): number {
  const [start, size] = [Number(bytes.readBigUInt64LE(HEADERS)), bytes.readUInt16LE(HEADER)]
  const all = Array.from({ length: bytes.readUInt16LE(COUNT) }, (_, index) => start + index * size)
  return all.find((at) => bytes.readUInt32LE(at) === type) as number
}

/** The faults that a change makes. */
function planted(change: (bytes: Buffer) => Buffer | void): string[] {
  const bytes = addon()
  const before = new Set(faults(bytes))
  return faults(change(bytes) ?? bytes).filter((fault) => !before.has(fault))
}

test('versions are compared by their numbers', (t) => {
  t.deepEqual(
    [isNewer('2.34', '2.17'), isNewer('2.4', '2.17'), isNewer('2.17', '2.17'), isNewer('2.17.1', '2.17')],
    [true, false, false, true],
  )
})

test('an executable stack is found', (t) => {
  t.deepEqual(
    planted((bytes) => void bytes.writeUInt32LE(7, headerOf(bytes, GNU_STACK) + 4)),
    ['it makes the stack executable'],
  )
})

test('addresses that can be written to are found', (t) => {
  t.deepEqual(
    planted((bytes) => void bytes.writeUInt32LE(0, headerOf(bytes, GNU_RELRO))),
    ['its table of addresses can be written to'],
  )
})

test('a binary of another processor or C library is found', (t) => {
  const other = platform.includes('x64') ? (['arm64', 183] as const) : (['x64', 62] as const)
  t.deepEqual(
    planted((bytes) => void bytes.writeUInt16LE(other[1], 18)),
    [`it is for ${other[0]}`],
  )
  const across = platform.includes('gnu') ? platform.replace('gnu', 'musl') : platform.replace('musl', 'gnu')
  t.true(faults(addon(), across).some((fault) => /^it needs libc\.so/.test(fault)))
})

test('a newer symbol of glibc, and a library that not every system has, are found', (t) => {
  if (!platform.endsWith('gnu')) return t.pass()
  const replace = (from: string, to: string) => (bytes: Buffer) => {
    bytes.write(to, bytes.indexOf(`${from}\0`), 'latin1')
  }
  t.deepEqual(planted(replace('GLIBC_2.17', 'GLIBC_2.99')), ['it asks libc.so.6 for glibc 2.99, newer than 2.17'])
  t.true(planted(replace('libc.so.6', 'libx.so.6')).includes('it needs libx.so.6'))
})

test('a binary beyond its budget is found', (t) => {
  const grown = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(BINARY)])
  t.regex(planted(grown).join(), /^it has \d+ bytes, more than/)
})

test('what is no binary is refused', (t) => {
  t.throws(() => faults(Buffer.alloc(100)), { message: /is no 64-bit ELF file/ })
})
