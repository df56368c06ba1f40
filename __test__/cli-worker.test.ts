/** `concurrent-futures worker`, run as a user runs it: in a process of its own. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { BrokenProcessPool, WorkerLostError } from 'concurrent-futures'
import { Place, work } from './bullmq-place.ts'
import { Folder, until } from './gate.ts'
import { HARD, SOON } from './limits.ts'
import { endWithUs, redisOf } from './redis.ts'

const command = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const here = fileURLToPath(new URL('fixtures', import.meta.url))
const redis = redisOf(test)

interface Command {
  readonly child: ChildProcess
  readonly errors: () => string
  readonly end: Promise<number | null>
}

function run(...args: string[]): Command {
  return runIn({}, args)
}

function runIn(also: Record<string, string>, args: string[]): Command {
  const { NODE_OPTIONS: _, ...own } = process.env
  const env = { ...own, ...also }
  const child = spawn(process.execPath, [command, 'worker', ...args], { cwd: here, env, timeout: HARD, killSignal: 'SIGKILL' })
  endWithUs(child)
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  return { child, errors: () => errors, end: once(child, 'close').then(([code]) => code as number | null) }
}

/** A host of this place's queue, which runs. */
async function host(t: ExecutionContext, place: Place, ...args: string[]): Promise<Command> {
  const all = ['--modules', 'work=./work.mjs', '--queue', place.name, '--connection', redis().url, ...args]
  const started = run(...all)
  t.teardown(() => started.child.kill('SIGKILL'))
  await until(() => started.errors().includes('running the jobs of'), 'it says that it runs')
  return started
}

test('it runs jobs until SIGTERM, and finishes what has begun', async (t) => {
  const place = new Place(t, redis())
  const folder = new Folder(t)
  const gate = folder.gate()
  const own = place.executor()
  const { child, errors, end } = await host(t, place, '--workers', '2')
  t.is(errors(), `concurrent-futures: running the jobs of ${place.name}, up to 2 at once\n`)
  t.is(await own.submit(work.add, 1, 2).result(SOON), 3)
  const running = own.submit(work.waitForLater, gate)
  await until(() => running.running(), 'it runs')
  child.kill('SIGTERM')
  await until(() => errors().includes('finishing what has begun'), 'it has heard')
  const later = own.submit(work.add, 3, 4)
  folder.open(gate)
  await running.result(SOON)
  t.is(await end, 0)
  t.regex(errors(), /: closed\n$/)
  t.is(later.state, 'pending')
})

test('who is told that it runs may stop it at once', async (t) => {
  const place = new Place(t, redis())
  const { child, errors, end } = run('--modules', 'work=./work.mjs', '--queue', place.name, '--connection', redis().url)
  t.teardown(() => child.kill('SIGKILL'))
  child.stderr!.once('data', () => child.kill('SIGTERM'))
  t.is(await end, 0)
  t.regex(errors(), /: closed\n$/)
})

test('a pool that is broken fails the job that it broke with, leaves the others to other hosts, and ends it with 1', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor()
  const [failing, left] = [own.submit(work.add, 1, 2), own.submit(work.add, 3, 4)]
  // What Node refuses in its children.
  const preload = "data:text/javascript,process.env.NODE_OPTIONS='--nonsense'"
  const all = ['--queue', place.name, '--connection', redis().url, '--processes', '--workers', '1']
  const { child, errors, end } = runIn({ NODE_OPTIONS: `--import ${preload}` }, ['--modules', 'work=./work.mjs', ...all])
  t.teardown(() => child.kill('SIGKILL'))
  t.is(await end, 1)
  t.regex(errors(), /its executor takes no tasks: BrokenProcessPool/)
  t.regex(errors(), /: closed\n$/)
  t.true((await failing.exception(SOON)) instanceof BrokenProcessPool)
  place.host()
  t.is(await left.result(SOON), 7)
})

test('what runs longer than the grace is stopped, and a second signal stops at once', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor()
  const gentle = await host(t, place, '--grace', '50', '--workers', '1')
  const spins = own.submit(work.spin)
  await until(() => spins.running(), 'it runs')
  gentle.child.kill('SIGINT')
  t.true((await spins.exception(SOON)) instanceof WorkerLostError)
  t.is(await gentle.end, 0)
  const patient = await host(t, place, '--workers', '1')
  const endless = own.submit(work.spin)
  await until(() => endless.running(), 'it runs')
  patient.child.kill('SIGINT')
  await until(() => patient.errors().includes('finishing what has begun'), 'it has heard')
  patient.child.kill('SIGINT')
  t.is(await patient.end, 130)
})

test('child processes run the jobs with --processes, and several modules may follow one --modules', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor({ prefix: 'other' })
  const all = ['--queue', place.name, '--connection', redis().url, '--prefix', 'other', '--processes', '--workers', '1']
  const started = run('--modules', 'jobs=./jobs.mjs', 'work=./work.mjs', ...all)
  t.teardown(() => started.child.kill('SIGKILL'))
  t.is(await own.submit(work.add, 1, 2).result(SOON), 3)
  started.child.kill('SIGTERM')
  t.is(await started.end, 0)
})

const WRONG: [args: string[], says: RegExp][] = [
  [[], /worker needs --modules NAME=FILE/],
  [['--modules', 'work=./work.mjs'], /worker needs --queue/],
  [['--modules', 'work=./work.mjs', '--queue', 'q'], /worker needs --connection, the URL of Redis/],
  [['--modules', 'work', '--queue', 'q', '--connection', 'redis://localhost'], /takes NAME=FILE, not "work"/],
  [['--modules', 'work=./none.mjs', '--queue', 'q', '--connection', 'redis://localhost'], /there is no file .*none\.mjs/],
  [['--modules', 'work=none.mjs', '--queue', 'q', '--connection', 'redis://localhost'], /there is no file none\.mjs/],
  [['--modules', 'work=file:///none.mjs', '--queue', 'q', '--connection', 'redis://localhost'], /there is no file .*none\.mjs/],
  [['--modules', 'a=./work.mjs', 'a=./jobs.mjs', '--queue', 'q', '--connection', 'redis://localhost'], /two modules a$/m],
  [['--modules', 'work=./work.mjs', '--queue', 'a:b', '--connection', 'redis://localhost'], /queue must not be empty/],
  [['--modules', 'work=./work.mjs', '--queue', 'q', '--connection', 'localhost'], /connection must be a URL/],
  [['--modules', 'native=./work.mjs', '--queue', 'q', '--connection', 'redis://localhost'], /'native' is that of the native/],
  [['--module', 'work=./work.mjs'], /Unknown option '--module'.*\(see worker --help\)/],
]

test('wrong usage ends it with 2 and one line', async (t) => {
  for (const [args, says] of WRONG) {
    const { errors, end } = run(...args)
    t.is(await end, 2, args.join(' '))
    t.regex(errors(), says)
    t.is(errors().split('\n').length, 2, errors())
  }
})
