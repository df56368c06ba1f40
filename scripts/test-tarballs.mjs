// npm run test:tarballs: what a user gets. Packs both tarballs and installs them in an empty folder, without
// Rust and without a registry; there the README's example runs, the compiler finds the types, and require()
// works. The last line adds the checks up.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { binOf, Failure, main, must, npmScript, root, run } from './command.mjs'
import { pack } from './pack.mjs'
import { readmeExample, readmeOutput } from './readme.mjs'

const SHIPPED = new RegExp(
  [
    /^dist\/.+\.(c?js|d\.ts)$/,
    /^crates\/task\/(Cargo\.toml|(include|src)\/.+\.(h|rs))$/,
    /^(index\.js|index\.d\.ts|package\.json|README\.md|LICENSE)$/,
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
  // The platforms that are not there are optional: npm leaves them out.
  const args = [npmScript(), 'install', '--offline', '--no-audit', '--no-fund', ...tarballs.map(({ path }) => path)]
  await must('npm install', process.execPath, args, { cwd: folder, env })
}

function expect(isTrue, message) {
  if (!isTrue) throw new Failure(message)
}

function shipsOnly({ files, name }, pattern) {
  const others = files.filter((file) => !pattern.test(file))
  expect(others.length === 0, `${name} ships ${others.join(', ')}`)
}

const CHECK_REQUIRE = `
const { ThreadPoolExecutor, native } = require('concurrent-futures')
new ThreadPoolExecutor(1).submit(native.countPrimes, 100).result(10_000).then((n) => console.log(n))
`

/** The checks: a sentence each, and what throws when it does not hold. */
function checks({ tarballs: [ours, addon], both, alone, env }) {
  const node = (cwd, ...args) => must(`node ${args.join(' ')}`, process.execPath, args, { cwd, env })
  const manifest = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return {
    'the main package ships what runs and what plug-ins are made with, and no other sources': () => shipsOnly(ours, SHIPPED),
    'the package of the platform ships the addon only': () => shipsOnly(addon, SHIPPED_WITH_ADDON),
    'every target is an optional dependency of the packed package, and none of the repository': () => {
      const { napi, version, optionalDependencies } = manifest(root)
      const packed = manifest(join(both, 'node_modules/concurrent-futures')).optionalDependencies
      expect(optionalDependencies === undefined, 'package.json has optionalDependencies')
      expect(Object.keys(packed).length === napi.targets.length, `there are ${napi.targets.length} targets and ${Object.keys(packed).length} packages`)
      expect(Object.values(packed).every((wanted) => wanted === version), 'versions differ')
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
    'require() works as import does': async () => {
      writeFileSync(join(both, 'check.cjs'), CHECK_REQUIRE)
      const { stdout } = await node(both, 'check.cjs')
      expect(stdout === '25\n', `it printed ${stdout}`)
    },
    'without the package of the platform, the error says what is missing and what to do': async () => {
      const { code, output } = await run(process.execPath, ['-e', "require('concurrent-futures')"], { cwd: alone, env })
      expect(code !== 0 && /npm i/.test(output) && output.includes(addon.name), `it said\n${output}`)
    },
    'publint finds nothing': async () => {
      for (const { path } of [ours, addon])
        await must('publint', process.execPath, [binOf('publint', 'publint'), 'run', path, '--strict'])
    },
  }
}

await main(async () => {
  const tarballs = await pack()
  const folder = mkdtempSync(join(tmpdir(), 'concurrent-futures-'))
  const [both, alone] = [join(folder, 'both'), join(folder, 'alone')]
  let passed = 0
  let failed = 0
  try {
    const env = bareEnv(folder)
    await installed(both, env, tarballs)
    await installed(alone, env, tarballs.slice(0, 1))
    for (const [title, check] of Object.entries(checks({ tarballs, both, alone, env }))) {
      try {
        await check()
        passed++
        console.log(`✓ ${title}`)
      } catch (error) {
        failed++
        console.log(`✗ ${title}\n${error instanceof Failure ? error.message : error.stack}`)
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  console.log(`\n${passed} passed, ${failed} failed`)
  if (failed > 0) process.exitCode = 1
})
