/**
 * The text by which the addon knows a task: the name that it was given, and the carrier that goes with it. A
 * name alone is its own label; one that begins as a label with a carrier does is written as such a label.
 */
import { parseJson, toJson } from '../host/json.ts'

/** Strings that travel with a task, as those of a trace context do. */
export type Carrier = Record<string, string>

/** No name that is worth reading begins with it. */
const MARK = '\0'
/** In place of the length of a name: the task was given none. */
const NONE = '-'

/** The label of a task; undefined if it has neither. */
export function labelOf(name: string | undefined, carrier: Carrier | undefined): string | undefined {
  if (carrier === undefined && (name === undefined || !name.startsWith(MARK))) return name
  const json = carrier === undefined ? '' : toJson(onlyStrings(carrier))
  return `${MARK}${name === undefined ? NONE : name.length}:${name ?? ''}${json}`
}

/** A copy, so that nobody is asked twice what is in it, and whose prototype nobody has spoiled. */
function onlyStrings(carrier: Carrier): Carrier {
  const copy = Object.create(null) as Carrier
  for (const [key, value] of Object.entries(carrier)) if (typeof value === 'string') copy[key] = value
  return copy
}

/** Where the name of a label with a carrier begins and ends. */
function nameAt(label: string): [from: number, to: number, length: string] {
  const from = label.indexOf(':') + 1
  const length = label.slice(MARK.length, from - 1)
  return [from, length === NONE ? from : from + Number(length), length]
}

/** The name that the task was given, if it was. */
export function nameIn(label: string | undefined): string | undefined {
  if (label === undefined || !label.startsWith(MARK)) return label
  const [from, to, length] = nameAt(label)
  return length === NONE ? undefined : label.slice(from, to)
}

/** The carrier of the task, if it has one. */
export function carrierIn(label: string | undefined): Carrier | undefined {
  if (label === undefined || !label.startsWith(MARK)) return undefined
  const json = label.slice(nameAt(label)[1])
  return json === '' ? undefined : Object.assign(Object.create(null) as Carrier, parseJson(json))
}
