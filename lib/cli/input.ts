/** What `map` reads. */
import { createReadStream, fstatSync, openSync } from 'node:fs'
import type { Stats } from 'node:fs'
import type { Readable } from 'node:stream'
import { CommandError, inOneLine } from './usage.ts'

export interface Input {
  readonly stream: Readable
  /** In bytes, where it is known. */
  readonly size: number | undefined
  readonly stat: Stats
}

const STDIN = 0

/** @throws CommandError if the file cannot be read */
export function openInput(path: string | undefined): Input {
  try {
    const fd = path === undefined ? STDIN : openSync(path, 'r')
    // A stream of a folder would be empty.
    const stat = fstatSync(fd)
    if (stat.isDirectory()) throw new Error(`${path ?? 'standard input'} is a folder`)
    const size = stat.isFile() && stat.size > 0 ? stat.size : undefined
    return { stream: path === undefined ? process.stdin : createReadStream('', { fd }), size, stat }
  } catch (error) {
    throw new CommandError(`cannot read the input: ${inOneLine(error)}`)
  }
}
