// Thumbnails of a folder's images.
//   node examples/apps/thumbnails/main.mjs FROM TO [--size 200] [--workers 4]
import { mkdir, readdir } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { moduleTasks, ThreadPoolExecutor } from 'concurrent-futures'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { size: { type: 'string', default: '200' }, workers: { type: 'string' } },
})
const [from, to] = positionals
if (to === undefined) {
  console.error('usage: main.mjs FROM TO [--size 200] [--workers N]')
  process.exit(2)
}

const IMAGES = ['.avif', '.gif', '.jpeg', '.jpg', '.png', '.svg', '.tif', '.tiff', '.webp']
const { thumbnail } = moduleTasks(new URL('./tasks.mjs', import.meta.url))
const executor = new ThreadPoolExecutor({ maxQueue: 64, ...(values.workers && { maxWorkers: Number(values.workers) }) })
let failed = 0

/** Tells what has become of one image. An image that fails keeps no other from its turn. */
async function told(name, future) {
  try {
    const { width, height, bytes } = await future
    console.log(`${name}: ${width} x ${height}, ${bytes} bytes`)
  } catch (error) {
    failed++
    console.log(`${name}: ${error.name}: ${error.message}`)
  }
}

await mkdir(to, { recursive: true })
const names = (await readdir(from)).filter((name) => IMAGES.includes(extname(name).toLowerCase())).sort()
const lines = []
for (const name of names) {
  await executor.ready() // however large the folder is, 64 tasks wait
  const paths = [join(from, name), join(to, `${name}.webp`)]
  const future = executor.with({ name, timeout: 30_000 }).submit(thumbnail, ...paths, Number(values.size))
  lines.push(told(name, future))
}
await Promise.all(lines)
await executor.shutdown()
console.log(`${names.length - failed} thumbnails, ${failed} failed`)
if (failed > 0) process.exitCode = 1
