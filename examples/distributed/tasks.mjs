// What both sides know: the functions that jobs name. Any module does; this one also tells of its progress.
import { createHash } from 'node:crypto'
import { currentTask } from 'concurrent-futures'

/** The first number, counted from `from`, with which the text has a SHA-256 of so many zeros. */
export function mine(text, zeros, from = 0) {
  const start = '0'.repeat(zeros)
  for (let nonce = from; ; nonce++) {
    if (createHash('sha256').update(`${text} ${nonce}`).digest('hex').startsWith(start)) return nonce
    if (nonce % 20_000 === 19_999) currentTask()?.progress(nonce + 1)
  }
}
