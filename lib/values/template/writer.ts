/**
 * Writes small plain values by a template; see template/codes.ts.
 *
 * The walk of classify.ts tells this module what it meets. It follows a tree in which each value met earlier
 * is a path, so that to know a structure again costs two comparisons for each step. A path that was taken
 * often enough becomes a template, which gets a number for the whole process; template/reader.ts makes code
 * of it, once in each isolate.
 */
import { binding } from '../../addon/binding.ts'
import { toJson } from '../../host/json.ts'
import {
  ARRAY,
  EIGHT_BYTES,
  END,
  FLAG,
  FOUR_BYTES,
  HEAD,
  MOST_SHORT,
  MOST_SMALL,
  NULL,
  NUMBER,
  NUMBERS,
  TEXT,
  TEXTS,
  TWO_BYTES,
  UNDEFINED,
  WIDE,
} from './codes.ts'

/**
 * A path becomes a template when it is taken for this time: code for what is rare would cost more than it
 * saves.
 */
const ENOUGH = 8
const MOST_STEPS = 256
const MOST_CODES = 512
const MOST_LENGTH = 65_535
/** Longer keys are not those of a structure that comes again. */
const MOST_KEY = 128
/** More keys in one place are those of a dictionary. */
const MOST_CHILDREN = 64
/** When there are so many, the tree is begun anew. */
const MOST_NODES = 4_096
/**
 * How many values that are unlike all others may add to the tree, before only one in so many may; each that
 * is like another one gives one back.
 */
const CREDIT = 64

const NONE = 0
const NEVER = -1

class Node {
  readonly parent: Node | null
  readonly key: string
  readonly kind: number
  /** The child taken last. */
  next: Node | null = null
  children: Node[] | null = null
  /** How often a value ended here while it had no template. */
  taken = 0
  /** The codes of the last value that ended here: an array is cut to length seldom, for that is slow. */
  codes: number[] = []
  /** The number of the template, or NONE if there is none yet, or NEVER. */
  template: number = NONE

  constructor(parent: Node | null, key: string, kind: number) {
    this.parent = parent
    this.key = key
    this.kind = kind
  }
}

/** Where a path leads that is in no tree. */
const astray: Node = new Node(null, '', END)

const codes: number[] = new Array<number>(HEAD).fill(0)
let root: Node = new Node(null, '', END)
let nodes = 0
let credit = CREDIT
let strays = 0

// The value that is being written. Nothing of the user's runs meanwhile, so there is one at a time.
let at: Node = astray
let steps = 0
let count = 0
let texts = ''
let mayAdd = false
let hasAdded = false

const double: Float64Array = new Float64Array(1)
const bytes: Uint8Array = new Uint8Array(double.buffer)
const fromCodes = String.fromCharCode

/** A value begins. */
export function begin(): void {
  if (nodes >= MOST_NODES) {
    root = new Node(null, '', END)
    nodes = 0
  }
  at = root
  steps = 0
  count = HEAD
  texts = ''
  hasAdded = false
  mayAdd = credit > 0
}

/**
 * The value has ended, and is plain and small or not: the string, or undefined if there is no template for
 * it.
 */
export function finish(isPlain: boolean): string | undefined {
  const all = texts
  texts = ''
  if (hasAdded) credit--
  // Nobody may add any more; but what is sent may change.
  if (at === astray && credit <= 0 && ++strays % CREDIT === 0) credit = 1
  if (!isPlain || at === astray) return undefined
  if (at.template <= NONE && !becomesTemplate(at)) return undefined
  if (credit < CREDIT) credit++
  codes[0] = at.template & 255
  codes[1] = at.template >> 8
  codes[2] = count & 255
  codes[3] = count >> 8
  return fromCodes.apply(undefined, codesOf(at)) + all
}

/** The codes of the value that ends here, in an array of their length. */
function codesOf(end: Node): number[] {
  const exact = end.codes
  if (exact.length !== count) return (end.codes = codes.slice(0, count))
  for (let index = 0; index < count; index++) exact[index] = codes[index] as number
  return exact
}

function becomesTemplate(end: Node): boolean {
  if (end.template === NEVER || ++end.taken < ENOUGH) return false
  const path: string[] = []
  // JSON keeps lone surrogates. Of the array itself it would ask for a `toJSON`.
  for (let node = end; node.parent !== null; node = node.parent) {
    path.push(`${node.kind},${toJson(node.key)}`)
  }
  end.template = binding.templateNumber(`[${path.reverse().join(',')}]`) || NEVER
  return end.template !== NEVER
}

/** Whether the value may still have a template. */
export function isOnPath(): boolean {
  return at !== astray
}

export function step(key: string, kind: number): void {
  if (++steps > MOST_STEPS || count > MOST_CODES) at = astray
  const next = at.next
  if (next !== null && next.key === key && next.kind === kind) at = next
  else if (at !== astray) search(key, kind)
}

function search(key: string, kind: number): void {
  const from = at
  const children = (from.children ??= [])
  let child: Node | undefined
  for (let index = 0; index < children.length && child === undefined; index++) {
    const one = children[index] as Node
    if (one.key === key && one.kind === kind) child = one
  }
  if (child === undefined) {
    // In a literal that key means something else.
    if (!mayAdd || nodes >= MOST_NODES || key === '__proto__' || key.length > MOST_KEY) {
      at = astray
      return
    }
    child = new Node(from, key, kind)
    nodes++
    hasAdded = true
    // The oldest may be one that is still in use: it is learned again.
    if (children.length >= MOST_CHILDREN) children.shift()
    children.push(child)
  }
  from.next = child
  at = child
}

export function putText(key: string, text: string): void {
  step(key, TEXT)
  putPart(text)
}

function putPart(text: string): void {
  const length = text.length
  if (length > MOST_LENGTH) at = astray
  if (at === astray) return
  if (length <= MOST_SHORT) codes[count++] = length
  else {
    codes[count++] = WIDE
    codes[count++] = length & 255
    codes[count++] = length >> 8
  }
  texts += text
}

export function putNumber(key: string, value: number): void {
  step(key, NUMBER)
  putDigits(value)
}

function putDigits(value: number): void {
  if (at === astray) return
  const integer = value | 0
  if (integer !== value || (value === 0 && 1 / value < 0)) {
    double[0] = value
    codes[count++] = EIGHT_BYTES
    for (let index = 0; index < 8; index++) codes[count++] = bytes[index] as number
  } else if (integer >= 0 && integer <= MOST_SMALL) codes[count++] = integer
  else {
    const isShort = integer >= 0 && integer < 65_536
    codes[count++] = isShort ? TWO_BYTES : FOUR_BYTES
    codes[count++] = integer & 255
    codes[count++] = (integer >> 8) & 255
    if (isShort) return
    codes[count++] = (integer >> 16) & 255
    codes[count++] = (integer >> 24) & 255
  }
}

export function putFlag(key: string, value: boolean): void {
  step(key, FLAG)
  codes[count++] = value ? 1 : 0
}

/** `null` or `undefined`, which a text or a number may also be. */
export function putNothing(key: string, value: null | undefined): void {
  const next = at.next
  if (next !== null && next.key === key && next.kind <= FLAG) at = next
  else step(key, FLAG)
  codes[count++] = value === null ? NULL : UNDEFINED
}

/** An array of nothing but texts, or of nothing but numbers, all of which were looked at. */
export function putList(
  key: string,
  list: readonly string[] | readonly number[],
  kind: typeof TEXTS | typeof NUMBERS,
): void {
  step(key, kind)
  codes[count++] = list.length
  for (let index = 0; index < list.length; index++) {
    if (kind === TEXTS) putPart(list[index] as string)
    else putDigits(list[index] as number)
  }
}

/** An array without elements, which may be a list of either kind. */
export function putEmptyArray(key: string): void {
  const next = at.next
  if (next !== null && next.key === key && next.kind >= TEXTS) {
    at = next
    codes[count++] = 0
    return
  }
  step(key, ARRAY)
  step('', END)
}
