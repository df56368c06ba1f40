import test from 'ava'
import { array, boolean, callable, duration, integer, iterable, number, oneOf, options, signal, string } from '../lib/options/check.ts'

test('a duration is a number of milliseconds >= 0, and no limit by default', (t) => {
  t.is(duration(undefined, 'timeout'), Infinity)
  t.is(duration(Infinity, 'timeout'), Infinity)
  t.is(duration(0, 'timeout'), 0)
  t.is(duration(0.5, 'timeout'), 0.5)
  t.is(duration(2 ** 40, 'timeout'), 2 ** 40)
})

test('a duration that is negative or NaN is a RangeError', (t) => {
  for (const value of [-1, -0.001, NaN, -Infinity])
    t.throws(() => duration(value, 'timeout'), { instanceOf: RangeError, message: /timeout/ })
})

test('a duration that is no number is a TypeError', (t) => {
  for (const value of ['5', 5n, null, {}, [], true, Symbol('x'), () => 5, new Number(5)]) {
    t.throws(() => duration(value, 'timeout'), { instanceOf: TypeError, message: /timeout/ })
  }
})

test('an integer has limits', (t) => {
  t.is(integer(1, 'maxWorkers', 1, 1024), 1)
  t.is(integer(1024, 'maxWorkers', 1, 1024), 1024)
  for (const value of [0, 1025, 1.5, NaN, Infinity, -1]) {
    t.throws(() => integer(value, 'maxWorkers', 1, 1024), { instanceOf: RangeError, message: /maxWorkers/ })
  }
  for (const value of ['1', 1n, null, undefined]) t.throws(() => integer(value, 'maxWorkers', 1), { instanceOf: TypeError })
})

test('simple values are of the type that is asked for', (t) => {
  t.is(number(-Infinity, 'priority'), -Infinity)
  t.throws(() => number(NaN, 'priority'), { instanceOf: RangeError })
  t.throws(() => number('1', 'priority'), { instanceOf: TypeError })
  t.is(boolean(undefined, 'wait', true), true)
  t.is(boolean(false, 'wait', true), false)
  t.throws(() => boolean(1, 'wait'), { instanceOf: TypeError })
  t.is(string('', 'name'), '')
  t.throws(() => string(1, 'name'), { instanceOf: TypeError })
  t.is(oneOf('a', 'mode', ['a', 'b']), 'a')
  t.throws(() => oneOf('c', 'mode', ['a', 'b']), { instanceOf: TypeError, message: /'a', 'b'/ })
  t.throws(() => callable({} as never, 'fn'), { instanceOf: TypeError, message: /fn must be a function/ })
  t.throws(() => array({}, 'initargs'), { instanceOf: TypeError })
  t.is(iterable('ab', 'x'), 'ab' as never)
  for (const value of [null, undefined, {}, 5]) t.throws(() => iterable(value, 'x'), { instanceOf: TypeError })
})

test('a signal is anything of the shape of an AbortSignal, or nothing', (t) => {
  const { signal: real } = new AbortController()
  t.is(signal(real, 'signal'), real)
  t.is(signal(undefined, 'signal'), undefined)
  for (const value of [null, {}, 'x', { aborted: false }])
    t.throws(() => signal(value, 'signal'), { instanceOf: TypeError, message: /signal/ })
})

test('options are copied, so that later changes have no effect', (t) => {
  const given = { timeout: 5 }
  const copy = options<{ timeout: number }>(given, 'options', ['timeout'])
  given.timeout = 6
  t.is(copy.timeout, 5)
  t.is(Object.getPrototypeOf(copy), null)
  t.deepEqual(Object.keys(options(undefined, 'options', [])), [])
})

test('options do not see a polluted prototype', (t) => {
  const polluted = Object.prototype as { timeout?: number }
  Object.defineProperty(polluted, 'timeout', { value: 5, configurable: true })
  try {
    t.is(options<{ timeout: number }>({}, 'options', ['timeout']).timeout, undefined)
  } finally {
    delete polluted.timeout
  }
})

test('options may be those of a class', (t) => {
  class Limits {
    get timeout(): number {
      return 50
    }
  }
  t.is(options<{ timeout: number }>(new Limits(), 'options', ['timeout']).timeout, 50)
  t.is(options<{ timeout: number }>(Object.create({ timeout: 60 }), 'options', ['timeout']).timeout, 60)
  t.is(options<{ timeout: number }>(Object.create(Object.create(null) as object), 'options', ['timeout']).timeout, undefined)
})

test('an unknown option is a TypeError that names it, also when it is undefined', (t) => {
  t.throws(() => options<{ timeout: number }>({ timeuot: 5 }, 'options', ['timeout']), {
    instanceOf: TypeError,
    message: /timeuot/,
  })
  t.throws(() => options<{ timeout: number }>({ timeuot: undefined }, 'options', ['timeout']), {
    instanceOf: TypeError,
    message: /timeuot/,
  })
})

test('options that are no object are a TypeError', (t) => {
  for (const value of [null, 5, 'x', [], () => {}, true]) t.throws(() => options(value, 'options', []), { instanceOf: TypeError })
})

test('a message survives a value that cannot be shown', (t) => {
  const hostile = {
    get [Symbol.toStringTag](): string {
      throw new Error('no')
    },
  }
  t.throws(() => duration(hostile, 'timeout'), { instanceOf: TypeError, message: /timeout/ })
})
