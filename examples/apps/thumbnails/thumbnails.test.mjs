import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import sharp from 'sharp'

const folder = await mkdtemp(join(tmpdir(), 'thumbnails-'))
after(() => rm(folder, { recursive: true }))

const run = (...args) =>
  promisify(execFile)(process.execPath, [`${import.meta.dirname}/main.mjs`, ...args]).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  )

test('images of several kinds become thumbnails, and one that is broken is reported', { timeout: 60_000 }, async () => {
  const [from, to] = [join(folder, 'from'), join(folder, 'to')]
  await mkdir(from)
  const image = (width, height, background) => sharp({ create: { width, height, channels: 3, background } })
  await image(1600, 1200, 'teal').jpeg().toFile(join(from, 'wide.jpg'))
  await image(600, 1800, 'plum').png().toFile(join(from, 'high.png'))
  await image(50, 40, 'gold').webp().toFile(join(from, 'small.webp'))
  await image(1600, 1200, 'navy').withMetadata({ orientation: 6 }).jpeg().toFile(join(from, 'turned.jpg'))
  await writeFile(join(from, 'broken.png'), 'no image at all')
  await writeFile(join(from, 'notes.txt'), 'not asked for')

  const { code, stdout, stderr } = await run(from, to, '--size', '100', '--workers', '2')
  assert.equal(stderr, '')
  assert.match(stdout, /^broken\.png: Error: .*unsupported image format/m)
  assert.match(stdout, /^4 thumbnails, 1 failed$/m)
  assert.equal(code, 1)
  assert.deepEqual((await readdir(to)).sort(), ['high.png.webp', 'small.webp.webp', 'turned.jpg.webp', 'wide.jpg.webp'])
  const sizes = {}
  for (const name of await readdir(to)) {
    const { width, height, format } = await sharp(join(to, name)).metadata()
    sizes[name] = `${format} ${width} x ${height}`
  }
  assert.deepEqual(sizes, {
    'high.png.webp': 'webp 33 x 100',
    'small.webp.webp': 'webp 50 x 40',
    'turned.jpg.webp': 'webp 75 x 100',
    'wide.jpg.webp': 'webp 100 x 75',
  })
})

test('without folders it says how it is called', { timeout: 60_000 }, async () => {
  const { code, stderr } = await run()
  assert.equal(code, 2)
  assert.match(stderr, /^usage: /)
})
