/** What a release needs: binaries under their own names, links that lead somewhere, workflows for all. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { checkBinary, platformOf } from '../scripts/binary.mjs'
import { packedPages, webAddress, withAbsoluteLinks, withoutLostLinks } from '../scripts/pages.mjs'
import { fileOf, ownPlatform, platforms } from '../scripts/platforms.mjs'
import { checkVersions } from '../scripts/version.mjs'
import { Folder } from './gate.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The header of a shared library for Linux, and the name of the C library that it asks for. */
function elf(machine: number, library: string, kind = 3): Buffer {
  const bytes = Buffer.alloc(64)
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1])
  bytes.writeUInt16LE(kind, 16)
  bytes.writeUInt16LE(machine, 18)
  return Buffer.concat([bytes, Buffer.from(`\0${library}\0`)])
}

function machO(processor: number): Buffer {
  const bytes = Buffer.alloc(32)
  bytes.writeUInt32LE(0xfeedfacf)
  bytes.writeUInt32LE(processor, 4)
  bytes.writeUInt32LE(8, 12)
  return bytes
}

function pe(machine: number, stub: string): Buffer {
  const bytes = Buffer.alloc(256)
  bytes.write('MZ')
  bytes.writeUInt32LE(128, 0x3c)
  bytes.write(stub, 0x50)
  bytes.write('PE\0\0', 128, 'latin1')
  bytes.writeUInt16LE(machine, 132)
  bytes.writeUInt16LE(0x2000, 150)
  return bytes
}

test('the header of a binary says its platform', (t) => {
  t.is(platformOf(elf(62, 'libc.so.6')), 'linux-x64-gnu')
  t.is(platformOf(elf(183, 'libc.so.6')), 'linux-arm64-gnu')
  t.is(platformOf(elf(62, 'libc.so')), 'linux-x64-musl')
  t.is(platformOf(elf(183, 'libc.musl-aarch64.so.1')), 'linux-arm64-musl')
  t.is(platformOf(machO(0x01000007)), 'darwin-x64')
  t.is(platformOf(machO(0x0100000c)), 'darwin-arm64')
  t.is(platformOf(pe(0x8664, 'Rich')), 'win32-x64-msvc')
  t.is(platformOf(pe(0x8664, '')), 'win32-x64-gnu')
  t.is(platformOf(readFileSync(join(root, fileOf(ownPlatform())))), ownPlatform())
})

test('what is no shared library has no platform', (t) => {
  const program = elf(62, 'libc.so.6', 2)
  for (const bytes of [program, elf(62, '').subarray(0, 10), Buffer.from('MZ'), Buffer.from('text'), Buffer.alloc(0)]) {
    t.is(platformOf(bytes), undefined)
  }
})

test("a binary under another platform's name is refused, and one that needs Microsoft's redistributable", (t) => {
  const folder = new Folder(t)
  const write = (name: string, bytes: Buffer): string => {
    const path = folder.file(name)
    writeFileSync(path, bytes)
    return path
  }
  const musl = write('musl.node', elf(62, 'libc.so'))
  t.notThrows(() => checkBinary(musl, 'linux-x64-musl'))
  t.throws(() => checkBinary(musl, 'linux-x64-gnu'), { message: /is for linux-x64-musl, and not for linux-x64-gnu/ })
  t.throws(() => checkBinary(write('text.node', Buffer.from('text')), 'linux-x64-gnu'), { message: /is no addon/ })
  const needy = write('needy.node', Buffer.concat([pe(0x8664, 'Rich'), Buffer.from('VCRUNTIME140.dll')]))
  t.throws(() => checkBinary(needy, 'win32-x64-msvc'), { message: /redistributable/ })
})

const PAGE = [
  '[queue](docs/queue.md#order) [self](#here) [out](https://nodejs.org) ![picture](docs/a.svg) `[x](y)`',
  '[test.ts](__test__/test.ts) [`a`](__test__/test.ts) [the licence](LICENSE)',
  '```js\nlist[0](docs/queue.md)\n```',
].join('\n')

test('with a repository, links lead to the files of the version there', (t) => {
  t.is(
    withAbsoluteLinks('README.md', PAGE, 'https://example.org/a/b', 'v1.0.0'),
    [
      '[queue](https://example.org/a/b/blob/v1.0.0/docs/queue.md#order) [self](#here) [out](https://nodejs.org) ' +
        '![picture](https://example.org/a/b/raw/v1.0.0/docs/a.svg) `[x](y)`',
      '[test.ts](https://example.org/a/b/blob/v1.0.0/__test__/test.ts) ' +
        '[`a`](https://example.org/a/b/blob/v1.0.0/__test__/test.ts) [the licence](https://example.org/a/b/blob/v1.0.0/LICENSE)',
      '```js\nlist[0](docs/queue.md)\n```',
    ].join('\n'),
  )
  t.is(webAddress({ type: 'git', url: 'git+https://example.org/a/b.git' }), 'https://example.org/a/b')
  t.is(webAddress(undefined), undefined)
  const pages = packedPages({ repository: 'https://example.org/a/b', version: '1.0.0' }, [])
  t.deepEqual([...pages.keys()], ['README.md'])
})

test('without a repository, what is not packed is named', (t) => {
  t.is(
    withoutLostLinks('README.md', PAGE, (path: string) => ['docs/queue.md', 'LICENSE'].includes(path)),
    [
      '[queue](docs/queue.md#order) [self](#here) [out](https://nodejs.org) picture (`docs/a.svg`) `[x](y)`',
      '`__test__/test.ts` `a` (`__test__/test.ts`) [the licence](LICENSE)',
      '```js\nlist[0](docs/queue.md)\n```',
    ].join('\n'),
  )
})

test('all packages and crates have one version', (t) => {
  t.notThrows(() => checkVersions())
  t.throws(() => checkVersions('0.0.0-other'), { message: /Cargo\.lock has version .*, not 0\.0\.0-other/ })
})

test('every platform that there is a package for is built and tried by the workflows', (t) => {
  const workflow = readFileSync(join(root, '.github/workflows/ci.yml'), 'utf8')
  const built = [...workflow.matchAll(/^ {10}- \{ platform: ([\w-]+), runner/gm)].map(([, name]) => name)
  const tried = [...workflow.matchAll(/^ {8}platform: \[(.*)\]$/gm)].flatMap(([, names]) => (names as string).split(', '))
  for (const platform of platforms()) {
    t.true(built.includes(platform), `${platform} is not built`)
    t.true(tried.includes(platform), `${platform} is not tried`)
  }
})
