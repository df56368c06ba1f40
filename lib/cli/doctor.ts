/** `concurrent-futures doctor`: what a bug report should contain. */
import { createRequire } from 'node:module'
import os from 'node:os'
import { parseArgs } from 'node:util'
import { cgroupCpus } from '../host/cgroup.ts'
import { loadPackage, version } from './load.ts'
import { trySelf } from './self-test.ts'
import type { SelfTest } from './self-test.ts'
import { wrongArguments } from './usage.ts'

type Binding = { loaded: true; file: string | undefined } | { loaded: false; error: string }

interface Report {
  readonly ok: boolean
  readonly version: string
  readonly platform: Record<string, string | undefined>
  readonly node: Record<string, string | readonly string[]>
  readonly binding: Binding
  readonly cores: Record<string, number | undefined>
  readonly memory: Record<string, number | undefined>
  /** Variables that change what the package does. */
  readonly environment: Record<string, string | undefined>
  readonly selfTest: SelfTest | undefined
}

export async function runDoctor(args: string[]): Promise<number> {
  const isJson = parse(args)
  const report = await examine()
  process.stdout.write(isJson ? `${JSON.stringify(report, undefined, 2)}\n` : textOf(report))
  return report.ok ? 0 : 1
}

function parse(args: string[]): boolean {
  try {
    return parseArgs({ args, options: { json: { type: 'boolean' } } }).values.json === true
  } catch (error) {
    throw wrongArguments('doctor', error)
  }
}

async function examine(): Promise<Report> {
  let [binding, selfTest, maxWorkers]: [Binding?, SelfTest?, number?] = []
  try {
    const api = await loadPackage()
    binding = { loaded: true, file: fileOfBinding() }
    maxWorkers = new api.ThreadPoolExecutor().maxWorkers
    selfTest = await trySelf(api)
  } catch (error) {
    binding ??= { loaded: false, error: error instanceof Error ? error.message : String(error) }
  }
  const isFine = selfTest !== undefined && Object.values(selfTest.workers).every(({ ok }) => ok)
  return { ok: isFine, version: version(), ...surroundings(maxWorkers), binding, selfTest }
}

/** The addon is a module like others, so Node knows which file was loaded. */
function fileOfBinding(): string | undefined {
  const loaded = Object.keys(createRequire(import.meta.url).cache)
  return loaded.find((file) => file.endsWith('.node') && file.includes('concurrent-futures'))
}

type Surroundings = Pick<Report, 'platform' | 'node' | 'cores' | 'memory' | 'environment'>

function surroundings(maxWorkers: number | undefined): Surroundings {
  const { arch, execArgv, execPath, platform, versions } = process
  const quota = cgroupCpus()
  const memory = process.constrainedMemory()
  const isSet = ([name]: [string, unknown]): boolean => /^(CONCURRENT_FUTURES_|NAPI_RS_|UV_)/.test(name)
  return {
    platform: { system: platform, arch, release: os.release(), libc: libc() },
    node: { version: process.version, v8: versions.v8, uv: versions.uv, execPath, execArgv },
    cores: {
      online: os.cpus().length,
      available: os.availableParallelism(),
      cgroup: quota === Infinity ? undefined : quota,
      maxWorkers,
    },
    memory: {
      total: os.totalmem(),
      free: os.freemem(),
      // Without a limit some systems say a number that no machine has.
      cgroup: memory > 0 && memory < os.totalmem() ? memory : undefined,
    },
    environment: Object.fromEntries(Object.entries(process.env).filter(isSet)),
  }
}

function libc(): string | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    // Who asks for names of hosts may wait for long.
    Object.assign(process.report, { excludeNetwork: true })
    const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
    return header.glibcVersionRuntime === undefined ? 'musl' : `glibc ${header.glibcVersionRuntime}`
  } catch {
    return undefined
  }
}

const megabytes = (bytes: number | undefined): string => `${Math.round((bytes ?? 0) / (1 << 20))} MB`

function textOf(report: Report): string {
  const { binding, cores, environment, memory, node, platform, selfTest } = report
  const quota = cores['cgroup'] === undefined ? 'no limit' : `${cores['cgroup']}`
  const limit = memory['cgroup'] === undefined ? 'no limit' : megabytes(memory['cgroup'])
  const lines = [
    ['concurrent-futures', report.version],
    ['platform', Object.values(platform).filter(Boolean).join(' ')],
    ['node', `${node['version']} (V8 ${node['v8']}, libuv ${node['uv']}) ${node['execPath']}`],
    ['flags', (node['execArgv'] as readonly string[]).join(' ')],
    ['binding', binding.loaded ? (binding.file ?? 'loaded') : `not loaded: ${binding.error}`],
    ['cores', `${cores['online']} online, ${cores['available']} available, cgroup: ${quota}`],
    ['workers', cores['maxWorkers'] === undefined ? '' : `${cores['maxWorkers']} by default`],
    ['memory', `${megabytes(memory['total'])}, ${megabytes(memory['free'])} free, cgroup: ${limit}`],
    ...Object.entries(environment).map(([name, value]) => [name, value ?? '']),
    ...(selfTest === undefined ? [] : linesOf(selfTest)),
    ['result', report.ok ? 'all works' : 'not all works'],
  ]
  const shown = lines.filter(([, text]) => text !== '')
  return shown.map(([name = '', text = '']) => `${name.padEnd(WIDTH)} ${indented(text)}\n`).join('')
}

/** Of the names in the text. */
const WIDTH = 22

const indented = (text: string): string => text.trimEnd().replaceAll('\n', `\n${' '.repeat(WIDTH + 1)}`)

function linesOf({ interrupts, workers }: SelfTest): string[][] {
  return [
    ...Object.entries(workers).map(([kind, { ok, ms, error }]) => [
      `${kind} worker`,
      ok ? `works (${ms} ms)` : `fails: ${error}`,
    ]),
    ...Object.entries(interrupts).map(([what, found]) => [`stopping ${what}`, found]),
  ]
}
