/** What `map` reads. */
import { createReadStream, fstatSync, openSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { CommandError, inOneLine } from './usage.ts'

export interface Input {
  readonly stream: Readable
  /** In bytes, where it is known. */
  readonly size: number | undefined
}

const STDIN = 0

/** @throws CommandError if the file cannot be read */
export function openInput(path: string | undefined): Input {
  try {
    const fd = path === undefined ? STDIN : openSync(path, 'r')
    // A stream of a folder would be empty.
    if (fstatSync(fd).isDirectory()) throw new Error(`${path ?? 'standard input'} is a folder`)
    if (path === undefined) return { stream: process.stdin, size: sizeOf(STDIN) }
    return { stream: createReadStream('', { fd }), size: sizeOf(fd) }
  } catch (error) {
    throw new CommandError(`cannot read the input: ${inOneLine(error)}`)
  }
}

function sizeOf(fd: number): number | undefined {
  const stat = fstatSync(fd)
  return stat.isFile() && stat.size > 0 ? stat.size : undefined
}
