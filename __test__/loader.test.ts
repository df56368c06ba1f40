/** What is said where no addon runs: one error with the reason, the system, what was tried, and the cure. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { runNode } from './child.ts'
import { Folder } from './gate.ts'
import { SOURCE } from '../scripts/why-no-addon.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const here = `${process.platform}-${process.arch}`

type Tried = { message: string; code?: string }
const missing = (name: string): Tried => ({ code: 'MODULE_NOT_FOUND', message: `Cannot find module '${name}'\nRequire stack:\n- x` })
const absent = [missing('./concurrent-futures.linux-x64-gnu.node'), missing('@concurrent-futures/binding-linux-x64-gnu')]

/** As it stands in the loader of a package with these platforms. */
function said(tried: Tried[], { platforms = ['linux-x64-gnu', 'win32-x64-msvc'], isBundled = false } = {}): string {
  const make = new Function('PLATFORMS', 'isBundled', `${SOURCE}\nreturn whyNotLoaded`) as (
    ...values: unknown[]
  ) => (tried: Tried[]) => string
  return make(platforms, () => isBundled)(tried)
}

test('a package that is missing is named, with the system, what was tried and the cure', (t) => {
  const lines = said(absent).split('\n')
  t.is(lines[0], 'Cannot find native binding: the package @concurrent-futures/binding-linux-x64-gnu is not installed')
  t.true(lines[1]?.startsWith(`Here: ${here}`) && lines[1].endsWith(`Node.js ${process.version}`), lines[1])
  if (process.platform === 'linux') t.regex(lines[1] as string, /with (glibc \d+\.\d+|musl)/)
  t.deepEqual(lines.slice(2, 5), [
    'Tried:',
    '  ./concurrent-futures.linux-x64-gnu.node: not there',
    '  @concurrent-futures/binding-linux-x64-gnu: not there',
  ])
  t.regex(lines.slice(5).join(), /^What to do: .*--omit=optional.*lock file.*npm install again on this machine$/)
})

test('a platform without a binary is told which ones have one', (t) => {
  const text = said(absent, { platforms: ['darwin-arm64', 'linux-arm64-gnu'] })
  t.regex(text, /has no binary for linux-x64-gnu\n/)
  t.regex(text, /published for darwin-arm64, linux-arm64-gnu; .*npm run build/)
  t.regex(said([{ message: 'Unsupported OS: sunos, architecture: x64' }], { platforms: ['darwin-arm64'] }), /no binary for \w+-\w+\n/)
})

for (const [message, cure] of [
  ["/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.17' not found (required by a.node)", /older than the binary needs/],
  ['a.node: invalid ELF header', /made for another system/],
  ['a.node: cannot open shared object file: No such file or directory', /made for another system/],
  ['Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by a.node)', /another system or C library/],
  ['dlopen(a.node, 0x0001): tried: (mach-o file, but is an incompatible architecture)', /another system/],
  ['\\\\?\\C:\\a.node is not a valid Win32 application.', /another system/],
  ['a.node: failed to map segment from shared object', /noexec/],
  ['a.node: something else', /npm install again/],
] as const) {
  test(`a binary that cannot run: ${message}`, (t) => {
    const text = said([absent[0] as Tried, { code: 'ERR_DLOPEN_FAILED', message }])
    t.true(text.startsWith(`The addon of concurrent-futures could not be loaded: ${message}\n`), text)
    t.true(text.includes(`\n  ${message}\n`), text)
    t.regex(text.split('\n').at(-1) as string, cure)
  })
}

test('a file that a variable names is the one to correct', (t) => {
  process.env.NAPI_RS_NATIVE_LIBRARY_PATH = '/nowhere.node'
  try {
    const lines = said([missing('/nowhere.node')]).split('\n')
    t.is(lines[0], "The addon of concurrent-futures could not be loaded: Cannot find module '/nowhere.node'")
    t.is(lines.at(-1), 'What to do: the variable NAPI_RS_NATIVE_LIBRARY_PATH names /nowhere.node: correct it, or take it away')
  } finally {
    delete process.env.NAPI_RS_NATIVE_LIBRARY_PATH
  }
})

test('where addons are forbidden, the flags are the cure; in a bundle, to leave the package out', (t) => {
  const denied = said([{ code: 'ERR_DLOPEN_DISABLED', message: 'Cannot load native addon because loading addons is disabled.' }])
  t.regex(denied, /disabled\. \(it is native: .*--no-addons.*--allow-addons/)
  t.notRegex(denied, /npm i/)
  t.regex(said(absent, { isBundled: true }), /a bundler has put the code .* elsewhere\n[^]*mark it as external/)
})

test('a damaged file is an error of that kind from the package itself', async (t) => {
  const folder = new Folder(t)
  const copy = folder.file('node_modules/concurrent-futures')
  mkdirSync(copy, { recursive: true })
  for (const name of ['dist', 'index.js', 'package.json']) cpSync(`${root}${name}`, `${copy}/${name}`, { recursive: true })
  for (const name of ['linux-x64-gnu', 'linux-arm64-gnu', 'linux-x64-musl', 'darwin-x64', 'darwin-arm64', 'win32-x64-msvc'])
    writeFileSync(`${copy}/concurrent-futures.${name}.node`, 'no addon')
  for (const load of ['require', 'await import']) {
    const { code, errors } = await runNode([
      '--input-type',
      load === 'require' ? 'commonjs' : 'module',
      '-e',
      `${load}(${JSON.stringify(`${copy}/dist/index.${load === 'require' ? 'cjs' : 'js'}`)})`,
    ])
    t.is(code, 1)
    t.regex(
      errors,
      /Error: The addon of concurrent-futures could not be loaded: [^]*\nHere: [^]*\nTried:\n[^]*\nWhat to do: the file is damaged/,
    )
  }
})
