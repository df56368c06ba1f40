import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'

const folder = await mkdtemp(join(tmpdir(), 'compress-folder-'))
after(() => rm(folder, { recursive: true }))

async function put(name, content) {
  await mkdir(dirname(join(folder, name)), { recursive: true })
  await writeFile(join(folder, name), content)
}

function start(...args) {
  const child = spawn(process.execPath, [`${import.meta.dirname}/main.mjs`, ...args])
  const end = Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)])
  return { child, end: end.then(([[code], stdout, stderr]) => ({ code, stdout, stderr })) }
}

const filesOf = async (name) => {
  const entries = await readdir(join(folder, name), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort()
}

test('every file of a folder is compressed, and one that cannot be written is reported', { timeout: 60_000 }, async () => {
  const large = randomBytes(600_000).toString('hex') // several pieces
  await put('from/a.txt', 'a'.repeat(10_000))
  await put('from/empty', '')
  await put('from/below/deep/large', large)
  await put('from/in-the-way', 'text')
  await symlink('a.txt', join(folder, 'from/link')) // links are left out
  await mkdir(join(folder, 'to/in-the-way.gz'), { recursive: true })

  const { code, stdout, stderr } = await start(join(folder, 'from'), join(folder, 'to')).end
  assert.match(stderr, /^\w+: .*in-the-way\.gz'\n$/)
  assert.match(stdout, /^a\.txt: 10000 -> \d+ bytes$/m)
  assert.match(stdout, /^3 files, 1210000 -> \d+ bytes, 1 failed$/m)
  assert.equal(code, 1)
  const unpacked = async (name) => gunzipSync(await readFile(join(folder, 'to', name))).toString()
  assert.deepEqual(await filesOf('to'), ['a.txt.gz', 'empty.gz', 'large.gz'])
  assert.equal(await unpacked('a.txt.gz'), 'a'.repeat(10_000))
  assert.equal(await unpacked('empty.gz'), '')
  assert.equal(await unpacked('below/deep/large.gz'), large)
})

test('Ctrl-C stops it soon, and leaves whole files only', { timeout: 60_000 }, async () => {
  await put('much/small', 'text')
  await put('much/first', randomBytes(1 << 20))
  for (const name of ['x', 'y', 'z']) {
    await put(`much/${name}`, '')
    await truncate(join(folder, 'much', name), 2 ** 33) // nothing on the disk, and half a minute of work
  }
  const { child, end } = start(join(folder, 'much'), join(folder, 'some'), '--workers', '2')
  const some = () => filesOf('some').catch(() => [])
  while (!(await some()).some((name) => name.endsWith('.half'))) await pause(10)
  child.kill('SIGINT')
  const { code, stdout, stderr } = await end
  assert.equal(stderr, '')
  assert.match(stdout, /^\d files, .*, interrupted$/m)
  assert.equal(code, 130)
  const left = await some()
  assert.deepEqual(
    left.filter((name) => !/^(small|first)\.gz$/.test(name)),
    [],
  )
})
