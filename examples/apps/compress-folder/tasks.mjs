// One file, compressed piece by piece: little memory for files of any size, and a look between two pieces
// whether somebody wants it to stop.
import { closeSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync, utimesSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { constants, gzipSync } from 'node:zlib'
import { currentTask } from 'concurrent-futures'

const PIECE = 512 * 1024

/** All of `from` as gzip, which may be of several members, one after another. */
function compress(from, to, level) {
  const piece = Buffer.allocUnsafe(PIECE)
  let members = 0
  for (;;) {
    currentTask()?.throwIfCancelled()
    const length = readSync(from, piece)
    if (length === 0 && members > 0) return
    writeSync(to, gzipSync(piece.subarray(0, length), { level }))
    members++
    if (length === 0) return
  }
}

/**
 * Makes `to` of `from`. That a file cannot be read or written is a value, `{ from, error }`: a map ends at
 * the first error that is thrown.
 */
export function compressFile({ from, to }, level = constants.Z_DEFAULT_COMPRESSION) {
  const half = `${to}.half` // there is no `to` before it is whole
  const open = []
  const opened = (...args) => open[open.push(openSync(...args)) - 1]
  try {
    const source = opened(from, 'r')
    mkdirSync(dirname(to), { recursive: true })
    const target = opened(half, 'w')
    compress(source, target, level)
    const { atime, mtime } = statSync(from)
    utimesSync(half, atime, mtime)
    renameSync(half, to)
    return { from, before: statSync(from).size, after: statSync(to).size }
  } catch (error) {
    if (error.syscall === undefined) throw error
    return { from, error: error.message }
  } finally {
    for (const file of open) closeSync(file)
    rmSync(half, { force: true })
  }
}
