/** A file that is written at once and to the last byte. */
import { writeSync } from 'node:fs'

/** @throws the system's error, as of a disk that is full */
export function writeAll(fd: number, text: string): void {
  let bytes = Buffer.from(text)
  while (bytes.length > 0) bytes = bytes.subarray(writeSync(fd, bytes))
}
