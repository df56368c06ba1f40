/** Errors on their way from a task to the caller. */
import test from 'ava'
import { packThrown, unpackThrown } from '../lib/values/thrown.ts'
import * as errors from '../lib/errors/errors.ts'
import * as built from '../dist/index.js'
import { behaviours } from './executors.ts'

const behaviour = behaviours(test)

function cross(thrown: unknown): any {
  const { form, data } = packThrown(thrown)
  return unpackThrown(form, data)
}

const { TimeoutError, WorkerLostError, CancelledError, BrokenThreadPool } = errors

for (const constructor of [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]) {
  test(`a ${constructor.name} arrives with class, message and stack`, (t) => {
    const error = new constructor('message')
    const copy = cross(error)
    t.is(Object.getPrototypeOf(copy), constructor.prototype)
    t.is(copy.message, 'message')
    t.is(copy.stack, error.stack)
    t.deepEqual(Object.keys(copy), [])
    t.false('cause' in copy)
  })
}

behaviour('the errors of WebAssembly arrive with their class, name and message', async (t, { create }) => {
  const { WebAssembly } = globalThis as any
  for (const name of ['CompileError', 'LinkError', 'RuntimeError']) {
    const copy = cross(Object.assign(new WebAssembly[name]('message'), { extra: 1 }))
    t.is(Object.getPrototypeOf(copy), WebAssembly[name].prototype)
    t.is(copy.name, name)
    t.is(copy.message, 'message')
    t.deepEqual({ ...copy }, { extra: 1 })
  }
  await using executor = create(1)
  const trap = executor.submit(() => {
    // A module whose start function is `unreachable`.
    const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 8, 1, 0, 10, 5, 1, 3, 0, 0, 11])
    const wasm = (globalThis as any).WebAssembly
    return new wasm.Instance(new wasm.Module(bytes)) as unknown
  })
  t.true((await trap.exception()) instanceof WebAssembly.RuntimeError)
})

test('a message that is no string arrives as its text', (t) => {
  const messages: [message: unknown, expected: string][] = [
    [{ toString: () => 'text' }, 'text'],
    [{ a: 1 }, '[object Object]'],
    [null, 'null'],
    [42, '42'],
    [[1, 2], '1,2'],
  ]
  for (const [message, expected] of messages) {
    const error = Object.defineProperty(new Error('e'), 'message', { value: message })
    t.is(cross(error).message, expected)
    t.is(structuredClone(error).message, expected)
  }
  const hopeless = {
    toString(): never {
      throw new Error('no text')
    },
  }
  t.is(cross(Object.defineProperty(new Error('e'), 'message', { value: hopeless })).message, '')
})

test('an error of a user arrives as the nearest class, with its name and code', (t) => {
  class ValidationError extends TypeError {
    constructor(message: string) {
      super(message)
      this.name = 'ValidationError'
    }
    get code(): string {
      return 'E_VALIDATION'
    }
  }
  const copy = cross(new ValidationError('wrong'))
  t.is(Object.getPrototypeOf(copy), TypeError.prototype)
  t.is(copy.name, 'ValidationError')
  t.is(copy.code, 'E_VALIDATION')
})

test('own properties arrive, enumerable as they were; those that cannot be cloned are left out', (t) => {
  const error = Object.assign(new Error('e'), {
    code: 'E',
    errno: -2,
    when: new Date(0),
    list: [1, { a: undefined }],
    fn() {},
    symbol: Symbol('s'),
    nested: { fn() {} },
  })
  Object.defineProperty(error, '__proto__', { value: 1, enumerable: true })
  const copy = cross(error)
  t.deepEqual(Object.keys(copy).sort(), ['__proto__', 'code', 'errno', 'list', 'when'])
  t.deepEqual(copy.when, new Date(0))
  t.deepEqual(copy.list, [1, { a: undefined }])
  t.true(copy instanceof Error)
})

test('a chain of causes arrives, also one that bites its tail, and a cause that is undefined', (t) => {
  const inner = new RangeError('inner')
  const outer = new TypeError('outer', { cause: inner })
  inner.cause = outer
  const copy = cross(outer)
  t.is(copy.cause.message, 'inner')
  t.true(copy.cause instanceof RangeError)
  t.is(copy.cause.cause, copy)
  t.true(Object.hasOwn(cross(new Error('e', { cause: undefined })), 'cause'))
  t.deepEqual(cross(new Error('e', { cause: { a: [1] } })).cause, { a: [1] })
  t.false('cause' in cross(new Error('e', { cause: () => 1 })))
})

test('an AggregateError of 20,000 errors arrives whole', (t) => {
  const copy = cross(
    new AggregateError(
      Array.from({ length: 20_000 }, (_, n) => new Error(`${n}`)),
      'all',
    ),
  )
  t.is(copy.errors.length, 20_000)
  t.deepEqual([copy.errors[0].message, copy.errors[19_999].message], ['0', '19999'])
})

test('errors of an array that are too deep for the rest keep their places in it', (t) => {
  let error: Error = new AggregateError([new Error('first'), 5, new TypeError('last')], 'all')
  for (let n = 1; n < 10_000; n++) error = new Error(`${n}`, { cause: error })
  let at = cross(error)
  for (let n = 1; n < 10_000; n++) at = at.cause
  t.true(at instanceof AggregateError)
  t.is(at.errors.length, 3)
  t.is(at.errors[1], 5)
  for (const index of [0, 2]) {
    t.like(at.errors[index], { name: 'RangeError', message: 'an error beyond those that cross with another one' })
  }
})

test('a chain of 5,000 causes arrives; a longer one than 10,000 is cut', (t) => {
  for (const [made, expected] of [
    [5_000, 5_000],
    [20_000, 10_000],
  ] as const) {
    let error = new Error('0')
    for (let count = 1; count < made; count++) error = new Error(String(count), { cause: error })
    let count = 0
    for (let at = cross(error); at !== undefined; at = at.cause) count++
    t.is(count, expected)
  }
})

test('an AggregateError of 30,000 errors arrives whole, and a getter that makes new errors without end is cut off', (t) => {
  const many = Array.from({ length: 30_000 }, (_, index) => new Error(`e ${index}`))
  const { errors } = cross(new AggregateError(many, 'all')) as AggregateError
  t.is(errors.length, 30_000)
  t.deepEqual([errors[0].message, errors[29_999].message], ['e 0', 'e 29999'])
  const endless = (): Error => Object.defineProperty(new Error('next'), 'cause', { get: endless })
  t.is((cross(endless()) as Error).message, 'next')
})

test('an AggregateError arrives with its errors, each in its place', (t) => {
  const shared = new URIError('u')
  const copy = cross(new AggregateError([1, shared, () => 1, shared, new AggregateError([shared])], 'all'))
  t.true(copy instanceof AggregateError)
  t.is(copy.message, 'all')
  t.is(copy.errors.length, 5)
  t.is(copy.errors[0], 1)
  t.true(copy.errors[1] instanceof URIError)
  t.is(copy.errors[2].name, 'DataCloneError')
  t.is(copy.errors[3], copy.errors[1])
  t.is(copy.errors[4].errors[0], copy.errors[1])
  t.false(Object.keys(copy).includes('errors'))
})

test('errors in properties arrive as errors with their own properties', (t) => {
  const inner = Object.assign(new RangeError('r'), { extra: 1 })
  const copy = cross(Object.assign(new Error('e'), { inner, errors: [inner, 'text'] }))
  t.is(copy.inner.extra, 1)
  t.true(copy.inner instanceof RangeError)
  t.is(copy.errors[0], copy.inner)
  t.is(copy.errors[1], 'text')
})

test('a DOMException arrives as one', (t) => {
  const copy = cross(new DOMException('stop', 'AbortError'))
  t.true(copy instanceof DOMException)
  t.is(copy.name, 'AbortError')
  t.is(copy.code, 20)
  t.is(copy.message, 'stop')
})

test("this package's errors arrive as themselves", (t) => {
  for (const [name, constructor] of Object.entries(errors)) {
    const copy = cross(new constructor('message'))
    t.is(Object.getPrototypeOf(copy), constructor.prototype)
    t.is(copy.name, name)
    t.false(Object.hasOwn(copy, 'code'))
    t.false(Object.hasOwn(copy, 'name'))
  }
  t.is(cross(new TimeoutError('late', { taskStack: 'at spin' })).taskStack, 'at spin')
  t.is(cross(new WorkerLostError('gone', { exitCode: 3 })).exitCode, 3)
  t.is(cross(new CancelledError('no', { cause: 'reason' })).cause, 'reason')
  t.true(cross(new (class Mine extends BrokenThreadPool {})('b')) instanceof BrokenThreadPool)
})

test("the errors of another copy of this package arrive as this copy's", (t) => {
  const copy = cross(new built.TimeoutError('late'))
  t.is(Object.getPrototypeOf(copy), TimeoutError.prototype)
})

for (const value of [null, undefined, 0, -0, 'text', 1n, { code: 1 }, [1, , 2], new Map([[1, 2]]), new Uint8Array(3)]) {
  test(`a thrown ${Object.prototype.toString.call(value)} ${Object.is(value, -0) ? '-0' : String(value)} arrives as it was`, (t) => {
    t.deepEqual(cross(value), value)
  })
}

test('what cannot be cloned arrives as a DataCloneError that says what it was', (t) => {
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  const cases: [unknown, string][] = [
    [() => 1, 'the thrown value cannot be cloned: a function'],
    [Symbol('s'), 'the thrown value cannot be cloned: Symbol(s)'],
    [new Proxy(new Error('e'), {}), 'the thrown value cannot be cloned: a Proxy'],
    [revoked.proxy, 'the thrown value cannot be cloned: a Proxy'],
    [{ a: { fn() {} } }, 'the thrown value.a.fn cannot be cloned: the function fn'],
  ]
  for (const [thrown, message] of cases) {
    const copy = cross(thrown)
    t.is(copy.name, 'DataCloneError')
    t.is(copy.message, message)
  }
})

test('an error whose getters throw arrives with what can be read of it', (t) => {
  const boom = (): never => {
    throw new Error('boom')
  }
  const error = new RangeError('message')
  for (const key of ['stack', 'name', 'code', 'extra', 'cause']) Object.defineProperty(error, key, { get: boom, enumerable: true })
  Object.defineProperty(error, 'fine', { get: () => 1, enumerable: true })
  const copy = cross(error)
  t.true(copy instanceof RangeError)
  t.is(copy.message, 'message')
  t.is(copy.fine, 1)
  t.is(copy.stack, 'RangeError: message')
  t.deepEqual(Object.keys(copy), ['fine'])
})

test('the getters of an error are called once', (t) => {
  let calls = 0
  const error = Object.defineProperty(Object.assign(new Error('e'), { fn() {} }), 'count', {
    get: () => ++calls,
    enumerable: true,
  })
  t.is(cross(error).count, 1)
  t.is(calls, 1)
})

test('a stack that is no text is replaced by name and message', (t) => {
  const copy = cross(Object.defineProperty(new TypeError('m'), 'stack', { value: [1, 2] }))
  t.is(copy.stack, 'TypeError: m')
})

test('an error that was made without a constructor, or frozen, arrives', (t) => {
  const bare: Error = Object.assign(Object.create(SyntaxError.prototype) as Error, { message: 'm' })
  t.true(cross(bare) instanceof SyntaxError)
  t.is(cross(bare).message, 'm')
  t.is(cross(Object.freeze(new Error('frozen'))).message, 'frozen')
})

test('errors of a native task: a class, a code and a message', (t) => {
  const error = unpackThrown(33, '{"class":"RangeError","message":"too big","code":"ERR_OUT_OF_RANGE"}') as RangeError & { code: string }
  t.true(error instanceof RangeError)
  t.is(error.code, 'ERR_OUT_OF_RANGE')
  t.is(error.stack, 'RangeError: too big')
})

behaviour('an error of a task shows the frames of the worker, and its class', async (t, { create }) => {
  await using executor = create(1)
  const failed = executor.submit(function deepInTheTask() {
    throw Object.assign(new RangeError('outer', { cause: new TypeError('inner') }), { code: 'E_X' })
  })
  const error = (await failed.exception()) as RangeError & { code: string }
  t.true(error instanceof RangeError)
  t.regex(error.stack as string, /^RangeError: outer\n {4}at .*deepInTheTask/)
  t.true(error.cause instanceof TypeError)
  t.is(error.code, 'E_X')
})

behaviour('null and undefined thrown by a task arrive as they are', async (t, { create }) => {
  await using executor = create(1)
  for (const thrown of [null, undefined, 0, '']) {
    const future = executor.submit((value: unknown) => {
      throw value
    }, thrown)
    const outcome = await future.result().then(
      () => 'no error',
      (error: unknown) => ({ error }),
    )
    t.deepEqual(outcome, { error: thrown })
  }
})
