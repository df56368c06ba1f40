import test from 'ava'
import * as errors from '../lib/errors/errors.ts'

const {
  FutureError,
  TimeoutError,
  CancelledError,
  InvalidStateError,
  BrokenExecutor,
  BrokenThreadPool,
  BrokenProcessPool,
  WorkerLostError,
  QueueFullError,
} = errors

const codes = {
  FutureError: 'ERR_FUTURE',
  TimeoutError: 'ERR_FUTURE_TIMEOUT',
  CancelledError: 'ERR_FUTURE_CANCELLED',
  InvalidStateError: 'ERR_FUTURE_INVALID_STATE',
  BrokenExecutor: 'ERR_FUTURE_BROKEN',
  BrokenThreadPool: 'ERR_FUTURE_BROKEN_THREAD_POOL',
  BrokenProcessPool: 'ERR_FUTURE_BROKEN_PROCESS_POOL',
  WorkerLostError: 'ERR_FUTURE_WORKER_LOST',
  QueueFullError: 'ERR_FUTURE_QUEUE_FULL',
} as const

for (const [name, code] of Object.entries(codes) as [keyof typeof codes, string][]) {
  test(`${name} has its name and its stable code on the prototype`, (t) => {
    const error = new errors[name]('message')
    t.is(error.name, name)
    t.is(error.code, code)
    t.is(error.message, 'message')
    t.false(Object.hasOwn(error, 'name'))
    t.false(Object.hasOwn(error, 'code'))
    const enumerated: string[] = []
    for (const key in error) enumerated.push(key)
    t.true(enumerated.includes('code'), 'loggers write what they can enumerate')
    t.false(enumerated.includes('name'))
    t.true(error instanceof Error)
    t.true(error instanceof FutureError)
    t.true(error instanceof errors[name])
    t.true(error.stack?.startsWith(`${name}: message`))
  })
}

test('instanceof follows the class tree', (t) => {
  t.true(new BrokenThreadPool('x') instanceof BrokenExecutor)
  t.true(new BrokenProcessPool('x') instanceof BrokenExecutor)
  t.false(new BrokenExecutor('x') instanceof BrokenThreadPool)
  t.false(new BrokenThreadPool('x') instanceof BrokenProcessPool)
  t.false(new FutureError('x') instanceof TimeoutError)
  t.false(new InvalidStateError('x') instanceof QueueFullError)
  t.false(new QueueFullError() instanceof InvalidStateError)
  t.false(new Error('x') instanceof FutureError)
  for (const value of [null, undefined, 'x', 1, Symbol('x')]) t.false((value as unknown) instanceof FutureError)
})

test('instanceof accepts the errors of another copy of the package', async (t) => {
  const copy = (await import('../lib/errors/errors.ts?copy' as string)) as typeof errors
  t.not(copy.TimeoutError, TimeoutError)
  const error: unknown = new copy.BrokenThreadPool('x')
  t.true(error instanceof BrokenThreadPool)
  t.true(error instanceof BrokenExecutor)
  t.true(error instanceof FutureError)
  t.false(error instanceof TimeoutError)
})

test('a class that a user derives from ours is a class of its own', (t) => {
  class MyTimeout extends TimeoutError {}
  class Other extends TimeoutError {}
  const mine: unknown = new MyTimeout('x')
  t.true(mine instanceof MyTimeout)
  t.true(mine instanceof TimeoutError)
  t.false(mine instanceof Other)
  t.false((new TimeoutError() as unknown) instanceof MyTimeout)
})

test('errors carry their cause, and only when one was given', (t) => {
  const cause = new Error('cause')
  t.is(new CancelledError(undefined, { cause }).cause, cause)
  t.false('cause' in new CancelledError())
  t.is(new WorkerLostError('x', { exitCode: 3, cause }).cause, cause)
  t.is(new WorkerLostError('x', { exitCode: 3, cause }).exitCode, 3)
  t.is(new WorkerLostError().exitCode, undefined)
})

test('a TimeoutError carries the stack of the task that was stopped', (t) => {
  t.is(new TimeoutError('x', { taskStack: 'at spin' }).taskStack, 'at spin')
  t.is(new TimeoutError().taskStack, undefined)
  t.false('taskStack' in new TimeoutError())
})
