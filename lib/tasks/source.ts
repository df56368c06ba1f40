/**
 * The source of a function that is sent as text: which functions have one that a worker can make the same
 * function of.
 */
import { compileFunction } from 'node:vm'
import { toJson } from '../host/json.ts'

const CURE = 'put it into a module and submit it with tasks() or moduleTasks()'

/**
 * Generators are for streams. @throws TypeError for what is called in another way than a function, whether it
 * is sent or found
 */
export function refuseKinds(fn: Function, isStream: boolean): void {
  if (/^class\b(?!\s*\()/.test(Function.prototype.toString.call(fn))) {
    throw new TypeError(`${called(fn, 'class', 'a')} cannot be submitted: a task must be a function`)
  }
  const kind = Object.prototype.toString.call(fn)
  if (!isStream && kind.includes('Generator')) {
    throw new TypeError(
      `${called(fn, 'function', 'this')} is a generator and cannot be submitted, as a task returns one ` +
        'value: use stream()',
    )
  }
}

/** A function in a message: by its name, or with an article if it has none. */
function called(fn: Function, noun: string, article: string): string {
  const name = String(fn.name).trim()
  return name === '' ? `${article} ${noun}` : `the ${noun} ${name}`
}

/**
 * A function's source as the body of a function that returns it. @throws TypeError for what cannot be sent
 */
export function sourceOf(fn: Function): string {
  const source = Function.prototype.toString.call(fn)
  const what = called(fn, 'function', 'this')
  if (/\{\s*\[native code\]\s*\}\s*$/.test(source)) {
    throw new TypeError(
      `${what} is native or bound and cannot be sent: wrap it in a function of its own, or ${CURE}`,
    )
  }
  const plain = bodyOf(fn, `(${source}\n)`)
  if (plain !== undefined) return plain
  // A method: `name(…) {…}`, also with get, set, async or a computed name.
  if (usesSuper(source)) throw new TypeError(`${what} uses super and cannot be sent: ${CURE}`)
  const isAccessor = /^(get|set)\b\s*[^\s(]/.test(source)
  const method = isAccessor ? undefined : methodOf(fn, source)
  if (method !== undefined) return method
  throw new TypeError(`${what} cannot be sent as source: ${CURE}`)
}

/**
 * Whether the source of a method says `super`, not only in a text or a comment or as a property: in a plain
 * function that is a SyntaxError.
 */
function usesSuper(source: string): boolean {
  if (!/\bsuper\b/.test(source)) return false
  const kind = /^async\b/.test(source) ? 'async function' : 'function'
  // The name, which may be computed, may hold parentheses.
  for (let at = source.indexOf('('); at >= 0; at = source.indexOf('(', at + 1)) {
    if (compiles(`(${kind} ${source.slice(at)}\n)`)) return false
  }
  return true
}

/**
 * The body that returns a method. A computed name, which would be computed anew, is replaced: it ends where
 * what is left makes a method.
 */
function methodOf(fn: Function, source: string): string | undefined {
  const asMethod = (text: string): string | undefined =>
    bodyOf(fn, `((methods) => methods[Reflect.ownKeys(methods)[0]])({${text}\n})`)
  const [head] = /^(async\b\s*)?\[/.exec(source) ?? []
  if (head === undefined) return asMethod(source)
  for (let end = source.indexOf(']'); end >= 0; end = source.indexOf(']', end + 1)) {
    const body = asMethod(`${head.slice(0, -1)} ${toJson(fn.name)}${source.slice(end + 1)}`)
    if (body !== undefined) return body
  }
  return undefined
}

/**
 * The body that returns an expression, undefined if it does not compile. It is strict, as all code of modules
 * and classes is, so that a method that misses its `this` fails instead of reading the global object; not for
 * a function that is known to be sloppy, nor where strict code would be a SyntaxError.
 */
function bodyOf(fn: Function, expression: string): string | undefined {
  const sloppy = `return ${expression}`
  const strict = `'use strict';${sloppy}`
  if (!isKnownSloppy(fn) && compiles(strict)) return strict
  return compiles(sloppy) ? sloppy : undefined
}

/**
 * Whether a function is surely sloppy: `caller` can be read of no other, whether it is a property of its own
 * (Node 20 to 24) or inherited (Node 26). Of arrow functions, methods and async functions it never can,
 * whatever their mode.
 */
function isKnownSloppy(fn: Function): boolean {
  try {
    void fn.caller
    return true
  } catch {
    return false
  }
}

function compiles(body: string): boolean {
  try {
    // What is compiled in a scope of its own V8 does not keep. Of other sources it keeps 1 KB each, since
    // Node 22, until memory is scarce.
    compileFunction(body, [], { contextExtensions: [{}] })
    return true
  } catch {
    return false
  }
}
