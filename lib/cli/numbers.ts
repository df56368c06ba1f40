/** Numbers among the arguments of commands. */
import { CommandError } from './usage.ts'

/** @throws CommandError for what is no integer from 1 to `most` */
export function integer(name: string, text: string, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN
  if (value >= 1 && value <= most && Number.isSafeInteger(value)) return value
  const range = most === Infinity ? 'an integer from 1, or auto' : `an integer from 1 to ${most}`
  throw new CommandError(`--${name} takes ${range}, not ${JSON.stringify(text)}`)
}

/** @throws CommandError for what is no time */
export function milliseconds(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = /^(\d+\.?\d*|\.\d+)(e\d+)?$/i.test(text) ? Number(text) : NaN
  if (Number.isFinite(value)) return value
  throw new CommandError(`--${name} takes milliseconds, not ${JSON.stringify(text)}`)
}
