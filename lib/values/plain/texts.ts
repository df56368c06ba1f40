/** The texts of a value of the form PLAIN, and their lengths; see codes.ts. */
import { structureOut } from '../../addon/binding.ts'
import { PIECE } from './codes.ts'

/** All texts together, of lists and outside of them. */
const MOST_TEXT = 1 << 22

/** Writes a length into the structure; gives where the next byte goes. */
export function writeLengthAt(from: number, length: number): number {
  let to = from
  let rest = length
  while (rest > 127) {
    structureOut[to++] = (rest & 127) | 128
    rest >>>= 7
  }
  structureOut[to++] = rest
  return to
}

/** Texts, one after the other, and where their pieces end. */
export class TextWriter {
  all = ''
  length = 0
  ends: number[] = []
  /** Where the last piece begins. */
  private start = 0

  /** Begins anew, whatever a walk has left that was given up or cut off between two of its writes. */
  begin(): void {
    this.all = ''
    this.length = 0
    this.start = 0
    if (this.ends.length > 0) this.ends = []
  }

  /** False if that is too much. */
  add(text: string): boolean {
    const before = this.length
    const length = before + text.length
    if (length - this.start > PIECE) {
      if (length > MOST_TEXT) return false
      if (before > this.start) {
        this.ends.push(before)
        this.start = before
      }
    }
    this.length = length
    this.all += text
    return true
  }

  /**
   * Adds a list, and writes the lengths of its texts: with its counters in local variables, for the texts may
   * be many. Gives where the next byte of the structure goes; false if that is too much; undefined, and
   * nothing has happened, if something else is in it.
   */
  addList(list: readonly unknown[], from: number): number | false | undefined {
    let { all, length } = this
    const cuts = this.ends.length
    let start = this.start
    let to = from
    for (let index = 0; index < list.length; index++) {
      const text = list[index]
      if (typeof text !== 'string') {
        this.ends.length = cuts
        return undefined
      }
      const more = text.length
      if (more < 128) structureOut[to++] = more
      // Shorter ones cannot add up to more than the engine allows.
      else if (length + more > MOST_TEXT) return false
      else to = writeLengthAt(to, more)
      if (length + more - start > PIECE && length > start) {
        this.ends.push(length)
        start = length
      }
      length += more
      all += text
    }
    this.all = all
    this.length = length
    this.start = start
    return length <= MOST_TEXT ? to : false
  }
}
