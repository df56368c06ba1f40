/** The command line, run as a user runs it: in processes of its own. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { HARD, SOON, WHILE } from './limits.ts'

const command = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const here = fileURLToPath(new URL('fixtures', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'concurrent-futures-'))
test.after.always(() => rmSync(folder, { recursive: true }))

interface End {
  code: number | null
  output: string
  errors: string
}

interface Options {
  input?: string | Buffer
  env?: Record<string, string>
  /** What standard output is, if it is no pipe. */
  stdout?: number
}

function start(args: string[], { env, stdout }: Options = {}): ChildProcess {
  const { NODE_OPTIONS: _, ...own } = process.env
  return spawn(process.execPath, [command, ...args], {
    ...{ cwd: here, env: { ...own, ...env }, timeout: HARD, killSignal: 'SIGKILL' as const },
    stdio: ['pipe', stdout ?? 'pipe', 'pipe'],
  })
}

async function endOf(child: ChildProcess): Promise<End> {
  let [output, errors] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output, errors }
}

async function run(args: string[], options: Options = {}): Promise<End> {
  const child = start(args, options)
  // It may end before it has read all.
  child.stdin!.on('error', () => {}).end(options.input)
  return endOf(child)
}

const map = (key: string, args: string[], input: string | Buffer): Promise<End> =>
  run(['map', `./lines.mjs#${key}`, '--workers', '2', ...args], { input })

const FINISHING = 'concurrent-futures: finishing what has begun (SIGINT, Ctrl-C, stops that)\n'

const inFolder = (name: string): string => join(folder, name)

async function isThere(...names: string[]): Promise<void> {
  const end = Date.now() + SOON
  while (!names.every((name) => existsSync(name))) {
    if (Date.now() > end) throw new Error(`${names.join()} were not made`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** The items of `until`, by their letters: [a file that says it has begun, one that ends it]. */
const items = (test: string, letters: string): { begun: string[]; ending: string; input: string } => {
  const ending = inFolder(`${test}-end`)
  const begun = [...letters].map((letter) => inFolder(`${test}-${letter}`))
  return { begun, ending, input: begun.map((file) => `${JSON.stringify([file, ending])}\n`).join('') }
}

test('results are lines in order of the input, whatever each takes, and what a task prints is not among them', async (t) => {
  const end = await map('sleep', [], '80\n1\n2')
  t.like(end, { code: 0, output: '80\n1\n2\n' })
  t.true(end.errors.includes('asleep 80'))
})

test('--unordered writes results as they come', async (t) => {
  const { ending, input } = items('unordered', 'a')
  const later = items('unordered-later', 'b')
  writeFileSync(later.ending, '')
  const child = start(['map', './lines.mjs#until', '--workers', '2', '--unordered'])
  child.stdin!.end(`${input}${later.input}`)
  const [text] = (await once(child.stdout!, 'data')) as [Buffer]
  t.is(String(text), '"b"\n')
  writeFileSync(ending, '')
  t.like(await endOf(child), { code: 0, output: '"a"\n' })
})

test('a line ends with \\n and nothing else: bytes, \\r, a mark of byte order and the last line are right', async (t) => {
  const long = 'ä€😀'.repeat(30_000)
  const input = Buffer.from(`\uFEFF1\r\n"a\u2028b"\n${JSON.stringify(long)}\n\n[2]`)
  const end = await map('identity', [], input)
  const lines = end.output.split('\n')
  t.is(end.code, 1)
  t.deepEqual([lines[0], lines[1], JSON.parse(lines[2] as string) === long], ['1', '"a\u2028b"', true])
  t.is((JSON.parse(lines[3] as string) as { error: { name: string } }).error.name, 'SyntaxError')
  t.deepEqual(lines.slice(4), ['[2]', ''])
  t.deepEqual(await map('identity', [], ''), { code: 0, output: '', errors: '' })
})

test('--raw takes lines as they are, and writes strings as lines', async (t) => {
  t.like(await map('upper', ['--raw'], 'a "b"\r\n\nc'), { code: 0, output: 'A "B"\r\n\nC\n' })
  t.like(await map('identity', ['--raw', '--chunk', '3'], '{\n'), { code: 0, output: '{\n' })
})

for (const chunk of ['1', '3', 'auto']) {
  test(`what fails is an error in its place, in chunks of ${chunk} too, and undefined is null`, async (t) => {
    const input = '"code"\n"name"\n"plain"\n1\n{x\n'
    const end = await map('check', ['--chunk', chunk], input)
    const [code, name, plain, one, noJson] = end.output.split('\n')
    t.is(end.code, 1)
    t.is(code, '{"error":{"name":"TypeError","message":"bad","code":"E_BAD"}}')
    t.is(name, '{"error":{"name":"RangeError","message":"far\\toff"}}')
    t.is(plain, '{"error":{"name":"Error","message":"text"}}')
    t.is(one, '1')
    t.regex(noJson as string, /^\{"error":\{"name":"SyntaxError","message":/)
    const kinds = await map('kinds', ['--chunk', chunk], '"nothing"\n"big"\n"later"\n"fn"\n"date"\n')
    t.is(kinds.code, 1)
    t.deepEqual(
      kinds.output.split('\n').map((line) => /"name":"(\w+)"/.exec(line)?.[1] ?? line),
      ['null', 'TypeError', '[1]', 'TypeError', '"1970-01-01T00:00:00.000Z"', ''],
    )
  })
}

test('an item that takes too long, or kills its worker, fails alone; in child processes too', async (t) => {
  const late = await map('loop', ['--timeout', '50'], '1\n2\n')
  t.is(late.code, 1)
  t.is(late.output.match(/"code":"ERR_FUTURE_TIMEOUT"/g)?.length, 2)
  for (const kind of [[], ['--processes']]) {
    const lost = await map('exit', kind, '1\n2\n3\n')
    t.is(lost.code, 1)
    t.regex(lost.output, /^1\n\{"error":\{"name":"WorkerLostError",.*"code":"ERR_FUTURE_WORKER_LOST"\}\}\n3\n$/)
  }
})

test('the joblog has a line an item, and --resume runs what has not succeeded with the same line', async (t) => {
  const log = inFolder('joblog')
  const rows = (): string[][] =>
    readFileSync(log, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'))
  const before = Date.now()
  t.is((await map('check', ['--joblog', log], '1\n"code"\n"name"\n4\n')).code, 1)
  const first = rows().sort()
  t.deepEqual(
    first.map(([index, , , status]) => [index, status]),
    [
      ['0', 'ok'],
      ['1', 'E_BAD'],
      ['2', 'RangeError'],
      ['3', 'ok'],
    ],
  )
  for (const [, begun, ms, , hash] of first) {
    t.true(Number(begun) >= before && Number(begun) <= Date.now() && Number(ms) >= 0)
    t.regex(hash as string, /^[\da-f]{16}$/)
  }
  // What a killed process has left unfinished.
  writeFileSync(log, '4\t17', { flag: 'a' })
  const resume = ['--joblog', log, '--resume']
  const resumed = await map('check', resume, '1\n"fine"\n"name"\n5\n')
  t.is(resumed.output, '"fine"\n{"error":{"name":"RangeError","message":"far\\toff"}}\n5\n')
  t.deepEqual(
    rows()
      .slice(5)
      .map(([index]) => index)
      .sort(),
    ['1', '2', '3'],
  )
  t.deepEqual(await map('check', resume, '1\n"fine"\n'), { code: 0, output: '', errors: '' })
  await map('check', ['--joblog', log], '1\n')
  t.is(rows().length, 1)
})

test('--fail-fast begins nothing more once an item has failed', async (t) => {
  const end = await run(['map', 'lines.mjs#check', '--workers', '1', '--fail-fast'], { input: `1\n"code"\n${'2\n'.repeat(9_999)}` })
  t.is(end.code, 1)
  t.true(end.output.startsWith('1\n{"error"'))
  t.true(end.output.length < 1_000, `${end.output.length} characters`)
})

test('an input without end is read as its results are, and a pipe that is closed ends it quietly', async (t) => {
  const child = start(['map', './lines.mjs#double', '--workers', '2'])
  let [written, isEnded] = [0, false]
  const feed = (): void => {
    while (!isEnded && ((written += 6), child.stdin!.write('12345\n')));
  }
  child.stdin!.on('drain', feed).on('error', () => (isEnded = true))
  feed()
  await once(child.stdout!, 'readable')
  t.is(String(child.stdout!.read(6)), '24690\n')
  let before = -1
  while (before !== written) {
    before = written
    await new Promise((resolve) => setTimeout(resolve, 400))
  }
  t.true(written < 2_000_000, `${written} bytes`)
  child.stdout!.destroy()
  t.like(await endOf(child), { code: 0, errors: '' })
})

test('what is left of a chunk does not wait for lines that do not come', async (t) => {
  const child = start(['map', './lines.mjs#double', '--chunk', '100'])
  child.stdin!.write('1\n2\n3')
  const [text] = (await once(child.stdout!, 'data')) as [Buffer]
  t.true(String(text).startsWith('2\n'))
  child.stdin!.end()
  t.is((await endOf(child)).code, 0)
})

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`after ${signal} what has begun is finished and written, and nothing begins`, async (t) => {
    const { begun, ending, input } = items(signal, 'abcdef')
    const child = start(['map', './lines.mjs#until', '--workers', '2'])
    const end = endOf(child)
    // Standard input stays open.
    child.stdin!.on('error', () => {}).write(input)
    await isThere(...begun.slice(0, 2))
    child.kill(signal)
    await once(child.stderr!, 'data')
    writeFileSync(ending, '')
    t.deepEqual(await end, { code, output: '"a"\n"b"\n', errors: FINISHING })
    t.deepEqual(
      begun.map((file) => existsSync(file)),
      [true, true, false, false, false, false],
    )
  })
}

for (const kind of [[], ['--processes']]) {
  test(`the second SIGINT stops what runs, and writes what has ended ${kind.join('')}`, async (t) => {
    const { begun, input } = items(`second${kind.join('')}`, 'ab')
    const quick = items(`quick${kind.join('')}`, 'c')
    writeFileSync(quick.ending, '')
    const child = start(['map', './lines.mjs#until', '--workers', '3', ...kind])
    const end = endOf(child)
    child.stdin!.on('error', () => {}).write(`${input}${quick.input}`)
    await isThere(...begun, ...quick.begun)
    child.kill('SIGINT')
    await once(child.stderr!, 'data')
    await new Promise((resolve) => setTimeout(resolve, WHILE))
    t.is(child.exitCode, null)
    child.kill('SIGINT')
    t.deepEqual(await end, { code: 130, output: '"c"\n', errors: FINISHING })
  })
}

test('wrong usage is told in one line, with code 2', async (t) => {
  const ok = './lines.mjs#double'
  const [lines, copy] = [inFolder('some-lines'), inFolder('copy.mjs')]
  const module = `${copy}#double`
  writeFileSync(lines, '1\n2\n')
  copyFileSync(join(here, 'lines.mjs'), copy)
  const cases = [
    ...[[], ['nothing'], ['toString'], ['map'], ['map', 'lines.mjs'], ['map', ok, ok], ['doctor', 'x']],
    ...[
      ['map', ok, '--nothing'],
      ['map', ok, '--workers', '0'],
      ['map', ok, '--workers', '1025'],
      ['map', ok, '--chunk', '1.5'],
    ],
    ...[
      ['map', ok, '--timeout', '-1'],
      ['map', ok, '--timeout', '9', '--chunk', 'auto'],
      ['map', ok, '--resume'],
    ],
    ...[
      ['map', ok, '--input', 'not-there'],
      ['map', ok, '--input', '.'],
      ['map', ok, '--joblog', 'not/there'],
    ],
    ...[
      ['map', './not-there.mjs#x'],
      ['map', 'not-there#x'],
      ['map', './lines.mjs#none'],
      ['map', './lines.mjs#generator'],
    ],
    ...[
      ['map', './throws-on-load.mjs#x'],
      ['map', './loads-with-exit.mjs#x'],
      ['map', './default-function.cjs#toString'],
    ],
    ...[
      ['map', ok, '--input', lines, '--joblog', lines],
      ['map', module, '--input', lines, '--joblog', copy],
    ],
    ['map', ok, '--input', lines, '--joblog', lines, '--resume'],
  ]
  for (const args of cases) {
    const { code, output, errors } = await run(args)
    t.deepEqual([code, output], [2, ''], args.join(' '))
    t.regex(errors, /^concurrent-futures: [^\n]+\n$/, args.join(' '))
  }
  t.is(readFileSync(lines, 'utf8'), '1\n2\n')
  t.deepEqual(readFileSync(copy), readFileSync(join(here, 'lines.mjs')))
})

test('what has ended and cannot be written is not ok in the joblog, and runs again', async (t) => {
  if (!existsSync('/dev/full')) return t.pass()
  const input = Array.from({ length: 500 }, (_, i) => `${i}\n`).join('')
  for (const order of [[], ['--unordered']]) {
    const log = inFolder(`full${order.length}`)
    const full = openSync('/dev/full', 'w')
    const args = ['map', './lines.mjs#double', '--workers', '2', '--joblog', log, ...order]
    const lost = await run(args, { input, stdout: full })
    closeSync(full)
    t.is(lost.code, 1)
    t.regex(lost.errors, /^concurrent-futures: cannot write the results: ENOSPC[^\n]*\n$/)
    const { code, output } = await run([...args, '--resume'], { input })
    const results = output
      .trimEnd()
      .split('\n')
      .map(Number)
      .sort((a, b) => a - b)
    t.deepEqual([code, results], [0, Array.from({ length: 500 }, (_, i) => 2 * i)])
  }
})

test('an item whose worker dies says of what', async (t) => {
  for (const where of [[], ['--processes']]) {
    const { output } = await map('rejects', where, '1\n')
    t.regex(output, /"message":"the worker died while it ran the task 'rejects': left behind"/)
    t.regex((await map('exit', where, '2\n')).output, /"message":"the worker died while it ran the task 'exit': exit code 3"/)
  }
})

test('--help and --version answer everywhere', async (t) => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  const env = { NAPI_RS_NATIVE_LIBRARY_PATH: '/not/there.node' }
  for (const args of [[], ['map'], ['doctor'], ['map', '--workers']]) {
    const help = await run([...args, '--help'], { env })
    t.deepEqual([help.code, help.errors, help.output.startsWith('Usage: concurrent-futures')], [0, '', true])
    t.deepEqual(await run([...args, '--version'], { env }), { code: 0, output: `${version}\n`, errors: '' })
  }
})

test('without a binding map says so in one line, and doctor why', async (t) => {
  const env = { NAPI_RS_NATIVE_LIBRARY_PATH: '/not/there.node' }
  const end = await run(['map', './lines.mjs#double'], { env, input: '1\n' })
  t.deepEqual([end.code, end.output], [1, ''])
  t.regex(end.errors, /^concurrent-futures: [^\n]*could not be loaded[^\n]*\n$/)
  const doctor = await run(['doctor', '--json'], { env })
  t.is(doctor.code, 1)
  const { binding, ok } = JSON.parse(doctor.output) as { binding: { error: string; loaded: boolean }; ok: boolean }
  t.deepEqual([binding.loaded, ok], [false, false])
  t.regex(binding.error, /\/not\/there\.node/)
})

test('doctor tries each kind of worker, and says it as text and as JSON', async (t) => {
  const { code, output, errors } = await run(['doctor', '--json'])
  t.deepEqual([code, errors], [0, ''])
  const report = JSON.parse(output) as Record<string, any>
  const { interrupts, workers } = report['selfTest'] as { interrupts: Record<string, string>; workers: Record<string, { ok: boolean }> }
  t.deepEqual(
    Object.entries(workers).map(([kind, { ok }]) => [kind, ok]),
    [
      ['native', true],
      ['isolate', true],
      ['process', true],
    ],
  )
  for (const [what, found] of Object.entries(interrupts)) t.regex(found, /^works/, what)
  t.is(report['node'].version, process.version)
  t.regex(report['binding'].file as string, /\.node$/)
  t.true(report['cores'].available >= 1 && report['cores'].maxWorkers >= 1)
  const text = await run(['doctor'])
  t.is(text.code, 0)
  t.regex(text.output, /^concurrent-futures .*\nplatform .*\nnode .*\n[^]*\nresult +all works\n$/)
})

test('progress is told on standard error, and not by default where that is no terminal', async (t) => {
  t.is((await map('double', [], '1\n')).errors, '')
  t.regex((await map('double', ['--progress'], '1\n2\n')).errors, /^2 done, 0 failed, \d+\/s, [\d.]+ s\n$/)
})

const onLinux = process.platform === 'linux' ? test : test.skip

onLinux('a disk that is full ends it with 1 and one line, for the results and for the joblog', async (t) => {
  const full = openSync('/dev/full', 'w')
  try {
    const results = await run(['map', './lines.mjs#double'], { input: '1\n2\n', stdout: full })
    t.is(results.code, 1)
    t.regex(results.errors, /^concurrent-futures: cannot write the results: ENOSPC[^\n]*\n$/)
  } finally {
    closeSync(full)
  }
  const joblog = await map('double', ['--joblog', '/dev/full'], '1\n2\n')
  t.is(joblog.code, 1)
  t.regex(joblog.errors, /^concurrent-futures: cannot write the joblog: ENOSPC[^\n]*\n$/)
})

test("packages and Node's own modules are resolved from the current directory", async (t) => {
  t.like(await run(['map', 'node:path#basename', '--raw'], { input: 'a/b\n' }), { code: 0, output: 'b\n' })
  const own = 'export const half = (n) => n / 2\n'
  const input = inFolder('numbers')
  writeFileSync(inFolder('own.mjs'), own)
  writeFileSync(input, '4\n6')
  const end = await run(['map', `${inFolder('own.mjs')}#half`, '--input', input])
  t.deepEqual(end, { code: 0, output: '2\n3\n', errors: '' })
})
