// npm run build: the addon from crates/ and the JavaScript from lib/, each only when something it is made of
// has changed.
import { chmodSync, copyFileSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bundle } from './bundle.mjs'
import { binOf, main, must, root } from './command.mjs'
import { install } from './install.mjs'
import { withReason } from './loader.mjs'
import { SEAM, writeSeam } from './seam.mjs'
import { unlessBuilt } from './stamp.mjs'
import { step } from './step.mjs'
import { rustEnv, rustSources, rustVersion } from './toolchain.mjs'

const BUNDLERS = ['scripts/build.mjs', 'scripts/bundle.mjs', 'scripts/entry.mjs']
const GENERATED = ['index.js', 'index.d.ts', SEAM]
const STAGE = '.build/addon'

const addons = () => readdirSync(root).filter((name) => name.endsWith('.node'))

/** Built aside and renamed: a process that has the old addon mapped keeps it whole. */
async function buildAddon() {
  await step('build the addon (Rust, release)', async (note) => {
    mkdirSync(join(root, STAGE), { recursive: true })
    const options = ['--platform', '--release', '--esm', '--manifest-path', 'crates/binding/Cargo.toml', '--output-dir', STAGE]
    const args = [binOf('@napi-rs/cli', 'napi'), 'build', ...options]
    await must('napi build', process.execPath, args, { env: rustEnv(), onLine: note })
    const loader = join(root, STAGE, 'index.js')
    writeFileSync(loader, withReason(readFileSync(loader, 'utf8')))
    const made = readdirSync(join(root, STAGE))
    for (const name of made) place(name)
    // One for another platform cannot be loaded here, and says the same.
    if (process.env.CARGO_BUILD_TARGET !== undefined) return
    for (const name of made) if (name.endsWith('.node')) writeSeam(join(root, name))
  })
}

function place(name) {
  const [from, to] = [join(root, STAGE, name), join(root, name)]
  if (name.endsWith('.node')) {
    chmodSync(from, 0o755)
    renameSync(from, to)
  } else if (GENERATED.includes(name) && hasChanged(from, to)) copyFileSync(from, to)
}

function hasChanged(from, to) {
  try {
    return readFileSync(from, 'utf8') !== readFileSync(to, 'utf8')
  } catch {
    return true
  }
}

/**
 * Declarations for each module; of the code, one file for each entry and one that they share: every file
 * costs a part of a millisecond at each start.
 */
async function buildDist() {
  await step('build dist/ (TypeScript)', async () => {
    // Its own note of what it has written, which is wrong once somebody has deleted from dist/.
    rmSync(join(root, '.build/tsconfig.tsbuildinfo'), { force: true })
    await must('tsc', process.execPath, [binOf('typescript', 'tsc'), '-p', 'tsconfig.json'])
    const written = await bundle()
    for (const file of list('lib')) written.add(join('types', file.replace(/\.ts$/, '.d.ts')))
    for (const file of list('dist')) if (!written.has(file)) rmSync(join(root, 'dist', file))
  })
}

function list(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(join(root, folder).length + 1))
}

async function buildAddonOnce() {
  const rust = await rustVersion()
  const { napi, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  await unlessBuilt(
    'addon',
    {
      inputs: ['Cargo.toml', 'Cargo.lock', 'build.rs', 'scripts/loader.mjs', 'scripts/why-no-addon.mjs', 'npm', ...rustSources()],
      // Read when they are needed: the addon's name is not known before.
      get outputs() {
        return [...addons(), ...GENERATED]
      },
      more: JSON.stringify([napi, version, rust, process.platform, process.arch, process.env.CARGO_BUILD_TARGET]),
    },
    buildAddon,
  )
}

function buildDistOnce() {
  const inputs = ['lib', 'tsconfig.json', 'index.d.ts', 'index.js', ...BUNDLERS, 'package-lock.json']
  return unlessBuilt('dist', { inputs, outputs: ['dist'] }, buildDist)
}

/**
 * Installs and builds what is missing or out of date.
 *
 * @param hasAddon - whether the addon for development is wanted too; what is generated with it is committed
 */
export async function build({ hasAddon = true } = {}) {
  await install()
  if (hasAddon) await buildAddonOnce()
  await buildDistOnce()
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(() => build())
