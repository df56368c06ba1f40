// One thumbnail. sharp computes on libuv's threads, not on the worker's: the worker waits for it and holds
// its place, so as many images are worked on at once as the pool has workers.
import { rename, rm } from 'node:fs/promises'
import { currentTask } from 'concurrent-futures'
import sharp from 'sharp'

sharp.concurrency(1) // one thread for each image: the pool says how many images
sharp.cache(false) // no image comes twice

/** Reads the image `from`, and writes it as WebP with at most `size` pixels on each side to `to`. */
export async function thumbnail(from, to, size) {
  const seconds = Math.max(1, Math.floor((currentTask().deadline - Date.now()) / 1000))
  const half = `${to}.${process.pid}.half`
  try {
    const image = sharp(from, { failOn: 'error' }).autoOrient().timeout({ seconds })
    const {
      width,
      height,
      size: bytes,
    } = await image.resize({ width: size, height: size, fit: 'inside', withoutEnlargement: true }).webp({ quality: 80 }).toFile(half)
    await rename(half, to)
    return { width, height, bytes }
  } finally {
    await rm(half, { force: true })
  }
}
