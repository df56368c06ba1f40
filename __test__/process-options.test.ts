import test from 'ava'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SHARE_ENV } from 'node:worker_threads'
import { checkProcessOptions } from '../lib/options/process-pool-options.ts'
import { inheritedFlags, inheritedOptions } from '../lib/processes/inherited-flags.ts'
import { grants, permissionFlags } from '../lib/processes/permission-flags.ts'

const check = (options: object): unknown => checkProcessOptions(options)

test('the options of threads that have no meaning for children are unknown', (t) => {
  for (const name of ['threadNamePrefix', 'resourceLimits', 'nonsense']) {
    t.throws(() => check({ [name]: {} }), { instanceOf: TypeError, message: new RegExp(name) })
  }
})

test('maxMemoryPerWorker is an integer of bytes', (t) => {
  for (const value of [0, -1, 1.5, NaN]) {
    t.throws(() => check({ maxMemoryPerWorker: value }), { instanceOf: RangeError, message: /maxMemoryPerWorker/ })
  }
  t.throws(() => check({ maxMemoryPerWorker: '1' }), { instanceOf: TypeError })
  t.is(checkProcessOptions({ maxMemoryPerWorker: 2 ** 40 }).maxMemoryPerWorker, 2 ** 40)
  t.is(checkProcessOptions({ maxMemoryPerWorker: Infinity }).maxMemoryPerWorker, undefined)
})

test('an environment is one of texts, and none that is shared', (t) => {
  t.throws(() => check({ env: SHARE_ENV }), { instanceOf: TypeError, message: /SHARE_ENV/ })
  for (const env of [null, 'A=b', { A: Symbol('s') }, { 'A=b': 'c' }, { A: 'b\0c' }, { '': 'b' }]) {
    t.throws(() => check({ env }), { instanceOf: TypeError, message: /env/ })
  }
  const { env } = checkProcessOptions({ env: { A: 1, B: undefined, C: 'c' } as unknown as NodeJS.ProcessEnv })
  t.deepEqual({ ...env }, { A: '1', C: 'c' })
})

test('argv is made of texts, execArgv is texts', (t) => {
  t.deepEqual(checkProcessOptions({ argv: [1, 'a', null] }).argv, ['1', 'a', 'null'])
  for (const options of [{ execArgv: [1] }, { execArgv: 'x' }, { argv: ['\0'] }, { argv: [Symbol('s')] }]) {
    t.throws(() => check(options), { instanceOf: TypeError })
  }
})

test('permission has known keys, of the right types', (t) => {
  const wrong: object[] = [
    { fsreed: [] },
    { fsRead: '/tmp' },
    { fsRead: [1] },
    { fsWrite: [''] },
    { fsRead: ['/tmp\0'] },
    { childProcess: 1 },
    { worker: 'yes' },
  ]
  for (const permission of wrong) t.throws(() => check({ permission }), { instanceOf: TypeError })
  for (const permission of [null, [], true]) t.throws(() => check({ permission }), { instanceOf: TypeError })
})

test('permission for the network is refused where Node cannot refuse the network', (t) => {
  for (const net of [true, false]) {
    if (process.allowedNodeEnvironmentFlags.has('--allow-net')) {
      t.is(checkProcessOptions({ permission: { net } }).permission?.net, net)
    } else t.throws(() => check({ permission: { net } }), { instanceOf: TypeError, message: /--allow-net/ })
  }
})

test('execArgv beside permission has no flags of it', (t) => {
  const flags = ['--permission', '--experimental-permission', '--allow-fs-read=/', '--allow_worker', '--allow-wasi']
  for (const flag of flags) {
    t.throws(() => check({ permission: {}, execArgv: ['--expose-gc', flag] }), {
      instanceOf: TypeError,
      message: new RegExp(flag),
    })
  }
  t.notThrows(() => check({ permission: {}, execArgv: ['--allow-natives-syntax'] }))
  t.notThrows(() => check({ execArgv: ['--permission'] }))
})

test('children inherit loaders, preloads, conditions and the flags of the engine', (t) => {
  const flags = [
    ...['--import', './a.mjs', '-r', './b.cjs', '--loader=x', '--conditions', 'dev', '--expose-gc'],
    ...['--max-old-space-size=100', '--stack-trace-limit=5', '--enable-source-maps', '--no-warnings'],
    ...['--unhandled-rejections=warn', '--cpu-prof', '--experimental-strip-types'],
  ]
  t.deepEqual(inheritedFlags(flags), flags)
})

test('children inherit nothing of what this process runs, watches or tests', (t) => {
  const flags = [
    ...['-e', 'code()', '--eval=code', '-p', '1 + 1', '-pe', 'x', '-i', '--input-type', 'module', '-c'],
    ...['--watch', '--watch-path', './lib', '--watch-path=lib', '--watch-preserve-output', '--test'],
    ...['--test-name-pattern', 'a', '--test-reporter=spec', '--test_only', '--experimental-test-coverage'],
    ...['--env-file', '.env', '--cpu-prof-name=x', '--snapshot-blob', 'blob', '--expose-gc', '--run', 'x'],
  ]
  t.deepEqual(inheritedFlags(flags), ['--expose-gc'])
})

test("a child's debugger listens at a port of its own, and nobody is waited for", (t) => {
  t.deepEqual(inheritedFlags(['--inspect']), ['--inspect=0'])
  t.deepEqual(inheritedFlags(['--inspect=9230']), ['--inspect=0'])
  t.deepEqual(inheritedFlags(['--inspect=0.0.0.0:9230', '--inspect-port=1']), ['--inspect=0.0.0.0:0'])
  t.deepEqual(inheritedFlags(['--inspect=[::1]:9230']), ['--inspect=[::1]:0'])
  t.deepEqual(inheritedFlags(['--inspect-brk', '--inspect-brk=1', '--inspect-wait', '--inspect-port', '0']), [])
})

test('NODE_OPTIONS is inherited as it is written, but for what does not hold for children', (t) => {
  const kept = '  --import "./with space.mjs"   --expose-gc '
  t.is(inheritedOptions(kept), kept)
  t.is(inheritedOptions('--watch-path "./a b" --inspect=9229 --import "./a b.mjs"'), '--inspect=0 --import "./a b.mjs"')
})

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'grants-')))
test.after.always('the folder goes', () => rmSync(folder, { recursive: true, force: true }))

test('each path is granted once, and what it links to', (t) => {
  const tasks = join(folder, 'tasks')
  mkdirSync(tasks)
  writeFileSync(join(tasks, 'file.js'), '')
  symlinkSync(tasks, join(folder, 'link'))
  const all = join(tasks, sep)
  t.deepEqual(grants([tasks, `${tasks}/`, `${tasks}/*`, `${tasks}/../tasks`]), [all])
  t.deepEqual(grants([join(folder, 'link')]), [join(folder, 'link', sep), all])
  t.deepEqual(grants([join(folder, 'link', 'file.js')]), [join(folder, 'link', 'file.js'), join(tasks, 'file.js')])
  t.deepEqual(grants([join(folder, 'link', 'new.js')]), [join(folder, 'link', 'new.js'), join(tasks, 'new.js')])
  t.deepEqual(grants([join(folder, 'absent')]), [join(folder, 'absent')])
  t.deepEqual(grants([tasks, '*']), ['*'])
})

test('the flags of permission are those that the running Node has', (t) => {
  const file = fileURLToPath(new URL('../dist/worker/main.cjs', import.meta.url))
  const { permission } = checkProcessOptions({ permission: { fsWrite: [folder], childProcess: true } })
  const flags = permissionFlags(permission!, file)
  for (const flag of flags) {
    const name = flag.replace(/=.*/, '')
    if (name.startsWith('--')) t.true(process.allowedNodeEnvironmentFlags.has(name), name)
  }
  t.true(flags.includes('--allow-child-process'))
  t.false(flags.includes('--allow-worker'))
  t.is(flags.filter((flag) => /^--(experimental-)?permission$/.test(flag)).length, 1)
  t.is(new Set(flags).size, flags.length)
})
