/**
 * Argument checks, so that each rule and each message exists once. All throw synchronously: `TypeError` for a
 * value of the wrong type, `RangeError` for a number out of range. Options are read once, here, and copied:
 * what the caller does to them later has no effect.
 */
import { inspect } from 'node:util'

/** How a wrong value is shown in a message: short, on one line, and never failing. */
export function show(value: unknown): string {
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`
  try {
    const text = inspect(value, { depth: 0, breakLength: Infinity, maxArrayLength: 3, maxStringLength: 40 })
    return text.length > 80 ? `${text.slice(0, 77)}...` : text
  } catch {
    return typeof value
  }
}

export function wrongType(name: string, expected: string, value: unknown): TypeError {
  return new TypeError(`${name} must be ${expected}, got ${show(value)}`)
}

/**
 * A time in milliseconds: a number >= 0, `Infinity` or `undefined` for no limit.
 *
 * @returns the time, `Infinity` for no limit
 * @throws TypeError when it is not a number (null, strings and bigints are not), RangeError when it is
 * negative or NaN
 * @example
 * ```ts
 * duration(undefined, 'timeout') // Infinity
 * ```
 */
export function duration(value: unknown, name: string): number {
  if (value === undefined) return Infinity
  if (typeof value !== 'number') throw wrongType(name, 'a number of milliseconds', value)
  if (!(value >= 0)) throw new RangeError(`${name} must be a number of milliseconds >= 0, got ${value}`)
  return value
}

/**
 * An integer from `min` to `max`, both included. Throws TypeError when it is not a number, RangeError
 * otherwise.
 */
export function integer(
  value: unknown,
  name: string,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value !== 'number') throw wrongType(name, 'an integer', value)
  if (!Number.isInteger(value) || value < min || value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? `>= ${min}` : `from ${min} to ${max}`
    throw new RangeError(`${name} must be an integer ${range}, got ${value}`)
  }
  return value
}

/** An integer of at least `min`, or this word. Throws TypeError and RangeError as {@link integer}. */
export function integerOr<S extends string>(value: unknown, name: string, min: number, word: S): number | S {
  if (value === word) return word
  if (typeof value !== 'number') throw wrongType(name, `an integer or '${word}'`, value)
  if (!Number.isInteger(value) || value < min) {
    throw new RangeError(`${name} must be an integer >= ${min} or '${word}', got ${value}`)
  }
  return value
}

/** Any number but NaN. Throws TypeError when it is not a number, RangeError for NaN. */
export function number(value: unknown, name: string): number {
  if (typeof value !== 'number') throw wrongType(name, 'a number', value)
  if (Number.isNaN(value)) throw new RangeError(`${name} must not be NaN`)
  return value
}

/**
 * A boolean; `undefined` gives `fallback`. Truthy values of other types are a TypeError: they are more often
 * mistakes than intent.
 */
export function boolean(value: unknown, name: string, fallback: boolean = false): boolean {
  if (value === undefined) return fallback
  if (typeof value !== 'boolean') throw wrongType(name, 'a boolean', value)
  return value
}

/** A string. */
export function string(value: unknown, name: string): string {
  if (typeof value !== 'string') throw wrongType(name, 'a string', value)
  return value
}

/** A key, as a string that no other key has. */
export function key(value: unknown, name: string): string {
  if (typeof value === 'string') return `s${value}`
  // -0 and 0 are one key.
  if (typeof value === 'number' && !Number.isNaN(value)) return `n${value + 0}`
  throw wrongType(name, 'a string or a number', value)
}

/** One of a few strings; anything else is a TypeError, as Node treats invalid values of its own options. */
export function oneOf<S extends string>(value: unknown, name: string, allowed: readonly S[]): S {
  if (!(allowed as readonly unknown[]).includes(value)) {
    throw wrongType(name, `one of '${allowed.join("', '")}'`, value)
  }
  return value as S
}

/** Something that can be called. */
export function callable<F extends (...args: any[]) => unknown>(value: F, name: string): F
export function callable(value: unknown, name: string): (...args: any[]) => unknown
export function callable(value: unknown, name: string): unknown {
  if (typeof value !== 'function') throw wrongType(name, 'a function', value)
  return value
}

/** An object that is no array. */
export function object<T>(value: T, name: string): T & object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType(name, 'an object', value)
  }
  return value
}

/** An array; the copy that is returned is the caller's to keep. */
export function array(value: unknown, name: string): unknown[] {
  if (!Array.isArray(value)) throw wrongType(name, 'an array', value)
  return value.slice()
}

/** Something that `for…of` accepts. */
export function iterable(value: unknown, name: string): Iterable<unknown> {
  if (
    value === undefined ||
    value === null ||
    typeof (value as Iterable<unknown>)[Symbol.iterator] !== 'function'
  ) {
    throw wrongType(name, 'iterable', value)
  }
  return value as Iterable<unknown>
}

/**
 * An AbortSignal or nothing. Any object that has its shape is taken: signals of other realms and of polyfills
 * work.
 */
export function signal(value: unknown, name: string): AbortSignal | undefined {
  if (value === undefined) return undefined
  const candidate = value as AbortSignal | null
  if (
    typeof candidate !== 'object' ||
    candidate === null ||
    typeof candidate.aborted !== 'boolean' ||
    typeof candidate.addEventListener !== 'function'
  ) {
    throw wrongType(name, 'an AbortSignal', value)
  }
  return candidate
}

/**
 * The properties of an options object, own ones and those of its class, copied onto an object without a
 * prototype, so that neither a later change nor a polluted `Object.prototype` reaches us. `undefined` counts
 * as `{}`. The values are the caller's to check.
 *
 * @throws TypeError when it is not an object, or has a name that is not among `allowed`
 * @example
 * ```ts
 * options<WaitOptions>({ timeuot: 5 }, 'options', ['timeout', 'signal'])
 * // TypeError: unknown option 'timeuot' …
 * ```
 */
export function options<T extends object>(
  value: unknown,
  name: string,
  allowed: readonly (keyof T & string)[],
): Partial<T> {
  const copy = Object.create(null) as Record<string, unknown>
  if (value === undefined) return copy as Partial<T>
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType(name, 'an object', value)
  }
  for (const key of Object.keys(value)) {
    if (!(allowed as readonly string[]).includes(key)) {
      throw new TypeError(`unknown option '${key}' in ${name}; known are ${allowed.join(', ')}`)
    }
    copy[key] = (value as Record<string, unknown>)[key]
  }
  for (
    let at: unknown = Object.getPrototypeOf(value);
    at !== null && at !== Object.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    for (const key of allowed) {
      if (!(key in copy) && Object.hasOwn(at as object, key)) {
        copy[key] = (value as Record<string, unknown>)[key]
      }
    }
  }
  return copy as Partial<T>
}
