// npm run test:tarballs: what a user gets. Packs both tarballs and installs them in an empty folder, without
// Rust and without a registry; there the README's example runs, the compiler finds the types, and require()
// works. The last line adds the checks up.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { weigh } from './budgets.mjs'
import { binOf, main, must, npmScript, root, run } from './command.mjs'
import { describe, faultsOf } from './cross/inspect.mjs'
import { GLIBC, targets } from './cross/targets.mjs'
import { isNewer } from './newer.mjs'
import { pack } from './pack.mjs'
import { linkedPaths } from './pages.mjs'
import { fileOf, ownPlatform, platforms } from './platforms.mjs'
import { readmeExample, readmeOutput } from './readme.mjs'
import { expect, runChecks } from './run-checks.mjs'

const SHIPPED = new RegExp(
  [
    /^dist\/.+\.(c?js|d\.c?ts)$/,
    /^dist\/types\/package\.json$/,
    /^crates\/task\/(Cargo\.toml|(include|src)\/.+\.(h|rs))$/,
    /^(index\.js|index\.d\.ts|package\.json|LICENSE)$/,
    /^[^/]+\.md$/,
  ]
    .map(({ source }) => source)
    .join('|'),
)
const SHIPPED_WITH_ADDON = /^(concurrent-futures\..+\.node|package\.json|README\.md|LICENSE)$/

/** Only Node itself, and on Unix a shell and what belongs to it: the folders of Rust are left out. */
function bareEnv(folder) {
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  if (process.platform === 'win32') return { ...process.env, PATH: dirname(process.execPath) }
  symlinkSync(process.execPath, join(bin, 'node'))
  const hasRust = (path) => ['cargo', 'rustc'].some((name) => existsSync(join(path, name)))
  const PATH = [bin, '/usr/bin', '/bin'].filter((path) => !hasRust(path)).join(delimiter)
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|CARGO|RUST|NODE_|NAPI_)/.test(name))
  return { ...Object.fromEntries(kept), PATH, npm_config_cache: join(folder, 'cache') }
}

async function installed(folder, env, tarballs) {
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const args = [npmScript(), 'install', '--offline', '--no-audit', '--no-fund', ...tarballs.map(({ path }) => path)]
  await must('npm install', process.execPath, args, { cwd: folder, env })
}

function shipsOnly({ files, name }, pattern) {
  const others = files.filter((file) => !pattern.test(file))
  expect(others.length === 0, `${name} ships ${others.join(', ')}`)
}

const CHECK_REQUIRE = `
const required = require('concurrent-futures')
import('concurrent-futures').then(async (imported) => {
  const { ThreadPoolExecutor, native } = required
  const differs = Object.keys(imported).filter((name) => imported[name] !== required[name])
  console.log(await new ThreadPoolExecutor(1).submit(native.countPrimes, 100).result(10_000), differs)
})
`
/** Where Node.js could not require an ES module. */
const NO_REQUIRE_OF_ESM = process.allowedNodeEnvironmentFlags.has('--no-experimental-require-module')
  ? ['--no-experimental-require-module']
  : []
/** The last that is written in JavaScript, and the newest. */
const COMPILERS = { 'TypeScript 5.9': 'typescript-5.9', 'the newest TypeScript': 'typescript' }
const STRICTEST = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--skipLibCheck', 'false']
const CHECK_TYPES = `
import { ThreadPoolExecutor, TimeoutError } from 'concurrent-futures'
import type { Future } from 'concurrent-futures'
export const future: Future<number> = new ThreadPoolExecutor(1).submit((n: number) => n + 1, 1)
export const isLate = (error: unknown): boolean => error instanceof TimeoutError
`
/** With bullmq, which none of the checks of the main entry has. */
const CHECK_BULLMQ_TYPES = `
import { Executor } from 'concurrent-futures'
import { BullMQExecutor, BullMQWorker } from 'concurrent-futures/bullmq'
import type { BullMQExecutorOptions, BullMQWorkerOptions, CloseOptions } from 'concurrent-futures/bullmq'
export const make = (options: BullMQExecutorOptions): Executor => new BullMQExecutor(options)
export const host = (options: BullMQWorkerOptions): BullMQWorker => new BullMQWorker(options)
export const close = (worker: BullMQWorker, options: CloseOptions): Promise<void> => worker.close(options)
// @ts-expect-error -- it would see a type that says nothing
export const wrong: number = new BullMQExecutor({} as BullMQExecutorOptions)
`
const CHECK_BULLMQ = `
const { Executor } = require('concurrent-futures')
const required = require('concurrent-futures/bullmq')
import('concurrent-futures/bullmq').then((imported) => {
  const differs = Object.keys(imported).filter((name) => imported[name] !== required[name])
  console.log(imported.BullMQExecutor.prototype instanceof Executor, differs)
})
`

/** Of the binary as it is installed, for Linux; on other systems there are none. */
function binaryChecks(addon, both) {
  const platform = ownPlatform()
  if (!Object.hasOwn(targets, platform)) return {}
  const path = join(both, 'node_modules', addon.name, fileOf(platform))
  return {
    [`the binary loads wherever Node does, and keeps to its size: ${describe(path)}`]: () => {
      const faults = faultsOf(path, platform)
      expect(faults.length === 0, faults.join('\n'))
    },
    'a binary that the system has linked would be found out': () => {
      const newest = process.report.getReport().header.glibcVersionRuntime
      if (newest === undefined || !isNewer(newest, GLIBC)) return
      const faults = faultsOf(join(root, fileOf(platform)), platform)
      expect(
        faults.some((fault) => fault.includes('glibc')),
        `it has no fault but ${faults.join('\n')}`,
      )
    },
  }
}

/** What the compiler infers and what it refuses: __test__/types/public.mts, with our declarations. */
function typeChecks(both, node) {
  const options = ['--noEmit', ...STRICTEST, '--target', 'es2022', '--lib', 'es2024,esnext.disposable', '--module', 'nodenext']
  const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node']
  const check = (name) => async () => {
    cpSync(join(root, '__test__/types'), join(both, 'types'), { recursive: true })
    await node(both, binOf(name, 'tsc'), ...options, ...types, 'types/public.mts')
  }
  const title = (compiler) => `what is inferred and what is refused is as it should be, by ${compiler}`
  return Object.fromEntries(Object.entries(COMPILERS).map(([compiler, name]) => [title(compiler), check(name)]))
}

/** The main package keeps to its sizes; each is in the title. */
function sizeChecks(ours, both) {
  const { lines, over } = weigh(ours, join(both, 'node_modules/concurrent-futures'))
  return { [`the package keeps to its sizes:\n  ${lines.join('\n  ')}`]: () => expect(over.length === 0, over.join('\n')) }
}

/** The checks: a sentence each, and what throws when it does not hold. */
function checks({ tarballs: [ours, addon], both, alone, env }) {
  const node = (cwd, ...args) => must(`node ${args.join(' ')}`, process.execPath, args, { cwd, env })
  const manifest = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return {
    'the main package ships what runs and what plug-ins are made with, and no other sources': () => shipsOnly(ours, SHIPPED),
    'the package of the platform ships the addon only': () => shipsOnly(addon, SHIPPED_WITH_ADDON),
    ...binaryChecks(addon, both),
    ...sizeChecks(ours, both),
    'every target of the repository has a package, and the packed package asks for those that were packed with it': () => {
      const { napi, version, optionalDependencies } = manifest(root)
      const packed = manifest(join(both, 'node_modules/concurrent-futures')).optionalDependencies
      expect(optionalDependencies === undefined, 'package.json has optionalDependencies')
      expect(platforms().length === napi.targets.length, `there are ${napi.targets.length} targets and ${platforms().length} packages`)
      expect(JSON.stringify(packed) === JSON.stringify({ [addon.name]: version }), `it asks for ${JSON.stringify(packed)}`)
    },
    'npm ci installs them again from the lock file': async () => {
      rmSync(join(both, 'node_modules'), { recursive: true })
      await node(both, npmScript(), 'ci', '--offline', '--no-audit', '--no-fund')
      for (const name of ['concurrent-futures', addon.name]) manifest(join(both, 'node_modules', name))
    },
    'every link of the pages that are shipped leads to a file that is shipped, or out of the package': () => {
      const folder = join(both, 'node_modules/concurrent-futures')
      const lost = ours.files
        .filter((file) => file.endsWith('.md'))
        .flatMap((page) =>
          linkedPaths(page, readFileSync(join(folder, page), 'utf8'))
            .filter((path) => !existsSync(join(folder, path)))
            .map((path) => `${page}: ${path}`),
        )
      expect(lost.length === 0, `nothing is at\n${lost.join('\n')}`)
    },
    'Rust is out of reach in these checks': async () => {
      const found = await run('cargo', ['--version'], { env }).catch(() => undefined)
      expect(found === undefined, 'cargo is on the PATH')
    },
    "the README's example prints what the README says": async () => {
      writeFileSync(join(both, 'example.mjs'), readmeExample())
      const { stdout } = await node(both, 'example.mjs')
      expect(stdout === readmeOutput(), `it printed\n${stdout}`)
    },
    "the README's example passes the compiler": async () => {
      writeFileSync(join(both, 'example.mts'), readmeExample())
      const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2024,esnext.disposable']
      const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node']
      await node(both, binOf('typescript', 'tsc'), ...options, ...types, 'example.mts')
    },
    'require() works where it takes no ES modules, and gives the same classes as import': async () => {
      writeFileSync(join(both, 'check.cjs'), CHECK_REQUIRE)
      const { stdout } = await node(both, ...NO_REQUIRE_OF_ESM, 'check.cjs')
      expect(stdout === '25 []\n', `it printed ${stdout}`)
    },
    'the types serve ES modules and CommonJS, by all ways in which compilers find them': async () => {
      for (const name of ['types.mts', 'types.cts']) writeFileSync(join(both, name), CHECK_TYPES)
      const common = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2024,esnext.disposable']
      const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node']
      for (const module of ['node16', 'node18', 'nodenext'])
        await node(both, binOf('typescript', 'tsc'), ...common, ...types, '--module', module, 'types.mts', 'types.cts')
      await node(both, binOf('typescript', 'tsc'), ...common, ...types, '--module', 'preserve', 'types.mts')
    },
    ...typeChecks(both, node),
    'without bullmq, its entry says what is missing and what to do': async () => {
      const { code, output } = await run(process.execPath, ['-e', "require('concurrent-futures/bullmq')"], { cwd: both, env })
      expect(code !== 0 && output.includes('npm install bullmq ioredis'), `it said\n${output}`)
    },
    'with bullmq, its entry has types, and the classes of the main one': async () => {
      symlinkSync(join(root, 'node_modules/bullmq'), join(both, 'node_modules/bullmq'), 'junction')
      writeFileSync(join(both, 'bullmq.cts'), CHECK_BULLMQ_TYPES)
      cpSync(join(root, '__test__/types'), join(both, 'types'), { recursive: true })
      const options = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2024,esnext.disposable', '--module', 'nodenext']
      const types = ['--skipLibCheck', '--typeRoots', join(root, 'node_modules/@types'), '--types', 'node']
      for (const name of Object.values(COMPILERS))
        await node(both, binOf(name, 'tsc'), ...options, ...types, 'types/bullmq.mts', 'bullmq.cts')
      writeFileSync(join(both, 'check-bullmq.cjs'), CHECK_BULLMQ)
      const { stdout } = await node(both, ...NO_REQUIRE_OF_ESM, 'check-bullmq.cjs')
      expect(stdout === 'true []\n', `it printed ${stdout}`)
    },
    'the command is installed, and its doctor finds that all works': async () => {
      const { stdout } = await node(both, npmScript(), 'exec', '--offline', '--', 'concurrent-futures', 'doctor')
      expect(/^result +all works$/m.test(stdout), `it said\n${stdout}`)
    },
    'without the package of the platform, the error says what is missing and what to do': async () => {
      const { code, output } = await run(process.execPath, ['-e', "require('concurrent-futures')"], { cwd: alone, env })
      expect(code !== 0 && /npm i/.test(output) && output.includes(addon.name), `it said\n${output}`)
    },
    'publint finds nothing': async () => {
      for (const { path } of [ours, addon]) await must('publint', process.execPath, [binOf('publint', 'publint'), 'run', path, '--strict'])
    },
  }
}

await main(async () => {
  const tarballs = await pack()
  const folder = mkdtempSync(join(tmpdir(), 'concurrent-futures-'))
  const [both, alone] = [join(folder, 'both'), join(folder, 'alone')]
  try {
    const env = bareEnv(folder)
    await installed(both, env, tarballs)
    await installed(alone, env, tarballs.slice(0, 1))
    await runChecks(checks({ tarballs, both, alone, env }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
