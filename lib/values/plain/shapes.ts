/**
 * The shapes of objects, as their writer knows them; see codes.ts. The keys met are a tree, in which those
 * of an object are a path: so that to know a shape again costs one comparison for each key. A shape that was
 * met in several values gets a number for the whole process.
 */
import { binding } from '../../addon/binding.ts'
import { toJson } from '../../host/json.ts'

/** A shape gets its number in this value that has it: code for what is rare would cost more than it saves. */
const ENOUGH = 8
/** Objects with more keys are dictionaries. */
const MOST_LEVELS = 256
/** Longer keys are not those of a shape that comes again. */
const MOST_KEY = 128
/** More keys in one place are those of a dictionary. */
const MOST_CHILDREN = 64
/** When there are so many, the tree is begun anew. */
const MOST_NODES = 4_096
/**
 * How many values with unknown shapes may add to the tree, before only one in so many may; each without gives
 * one back. What the others add is dropped when they have been written.
 */
const CREDIT = 64
/** A value with more shapes of its own is a dictionary, which other forms carry better. */
const MOST_OWN = 64

const NONE = 0
const NEVER = -1

export class Shape {
  readonly parent: Shape | null
  readonly key: string
  readonly level: number
  /** Whether the tree does not lead to it. */
  readonly isLoose: boolean
  /** The value that has added it. */
  readonly born: number
  /** The child taken last. */
  next: Shape | null = null
  children: Shape[] | null = null
  /** Its number in the process, or NONE if there is none yet, or NEVER. */
  number: number = NONE
  /** Whether it, or a longer one, has a number. */
  leads = false
  /** In how many values it was met while it had no number. */
  taken = 0
  /** The value whose table it is in, and where. */
  walk = 0
  place = 0
  #json = ''

  constructor(parent: Shape | null, key: string, level: number, isLoose: boolean, born: number) {
    this.parent = parent
    this.key = key
    this.level = level
    this.isLoose = isLoose
    this.born = born
  }

  /** Its keys. */
  get json(): string {
    if (this.#json === '') {
      const keys: string[] = []
      for (let shape: Shape = this; shape.parent !== null; shape = shape.parent) keys.push(toJson(shape.key))
      this.#json = `[${keys.reverse().join(',')}]`
    }
    return this.#json
  }
}

/** The shape of an object without keys, which is where all begin. */
export let root: Shape = new Shape(null, '', 0, false, 0)
let nodes = 0
let nodesBefore = 0
let credit = CREDIT
let strays = 0
let walk = 0
/** What the value that is being written has added, above all else of it. */
let added: Shape[] = []
let own: Shape[] = []

/** A value begins. */
export function beginShapes(): void {
  if (nodes >= MOST_NODES) {
    root = new Shape(null, '', 0, false, 0)
    nodes = 0
  }
  nodesBefore = nodes
  walk++
  if (added.length > 0) added = []
  if (own.length > 0) own = []
}

/** The value has ended: what it added stays, if there is credit. */
export function endShapes(): void {
  if (added.length === 0) {
    if (credit < CREDIT) credit++
  } else if (credit > 0 || ++strays % CREDIT === 0) {
    if (credit > 0) credit--
  } else {
    for (const shape of added) forget(shape)
    nodes = nodesBefore
  }
  beginShapes()
}

function forget(shape: Shape): void {
  const parent = shape.parent as Shape
  const at = parent.children?.indexOf(shape) ?? -1
  if (at >= 0) parent.children?.splice(at, 1)
  if (parent.next === shape) parent.next = null
}

/** The shape that has one key more. */
export function withKey(from: Shape, key: string): Shape {
  const children = (from.children ??= [])
  for (let index = 0; index < children.length; index++) {
    const child = children[index] as Shape
    if (child.key === key) return (from.next = child)
  }
  const isLoose = from.isLoose || from.level >= MOST_LEVELS || key.length > MOST_KEY
  const child = new Shape(from, key, from.level + 1, isLoose, walk)
  if (isLoose) return child
  nodes++
  if (from.born !== walk) added.push(child)
  if (children.length >= MOST_CHILDREN) children.splice(oldest(children), 1)
  children.push(child)
  return (from.next = child)
}

/** The first that leads to no number, or the first: if that is still in use, it is learned again. */
function oldest(children: readonly Shape[]): number {
  const index = children.findIndex((child) => !child.leads)
  return index < 0 ? 0 : index
}

/** The number of a shape in the process, or NONE. */
export function numberOf(shape: Shape): number {
  if (shape.number > NONE) return shape.number
  // Once for each value.
  if (shape.number === NEVER || shape.walk === walk || shape.isLoose) return NONE
  if (++shape.taken < ENOUGH) return NONE
  shape.number = binding.shapeNumber(shape.json) || NEVER
  for (let at: Shape | null = shape; at !== null && !at.leads; at = at.parent) at.leads = true
  return shape.number === NEVER ? NONE : shape.number
}

/** The place of a shape in the table of the value; -1 if there are too many. */
export function placeOf(shape: Shape): number {
  if (shape.walk === walk) return shape.place
  if (own.length >= MOST_OWN) return -1
  shape.walk = walk
  shape.place = own.length
  own.push(shape)
  return shape.place
}

/** The table of the value: '' if there is nothing in it. */
export function ownTable(): string {
  if (own.length === 0) return ''
  let table = ''
  for (const shape of own) table += (table === '' ? '[' : ',') + shape.json
  return `${table}]`
}
