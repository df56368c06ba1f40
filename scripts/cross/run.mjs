// node scripts/cross/run.mjs PLATFORM... (or --all): builds what is shipped for platforms of Linux, and tries
// it where it has to work. The last line adds up.
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from '../build.mjs'
import { Failure, main, must } from '../command.mjs'
import { ownPlatform } from '../platforms.mjs'
import { shippedAddon } from './build.mjs'
import { describe } from './inspect.mjs'
import { machinesFor } from './machines.mjs'
import { loadsOnOldest } from './oldest.mjs'
import { placePackage } from './place.mjs'
import { GLIBC, targetOf, targets } from './targets.mjs'
import { CACHE, zigTools } from './tools.mjs'

/** examples/plugin-c for a platform, by zig's compiler. */
async function plugin(platform) {
  const { arch, libc } = targetOf(platform)
  const { zig, env } = await zigTools()
  const cpu = { x64: 'x86_64', arm64: 'aarch64' }[arch]
  const path = join(CACHE, platform, 'plugin.so')
  const target = `${cpu}-linux-${libc}${libc === 'gnu' ? `.${GLIBC}` : ''}`
  const options = ['-std=c11', '-O2', '-shared', '-fPIC', '-I', 'crates/task/include', '-o', path]
  await must('zig cc', zig, ['cc', '-target', target, ...options, 'examples/plugin-c/plugin.c'], { env })
  return path
}

const SUM = /^(\d+) passed, (\d+) failed$/m

async function tryOn(machine, platform, addon, library) {
  console.log(`-- ${machine.title}`)
  const { outside, inside } = machine.place(`check-${platform}`)
  placePackage(outside, platform, addon)
  copyFileSync(library, join(outside, 'plugin.so'))
  const onLine = (line) => SUM.test(line) || console.log(line)
  const args = [join(inside, 'check.mjs'), platform, join(inside, 'plugin.so')]
  const { code, output } = await machine.run(outside, args, { onLine })
  const [, passed, failed] = SUM.exec(output) ?? [0, 0, 0]
  const sum = { passed: Number(passed), failed: Number(failed) }
  if (code === 0 && sum.passed > 0) return sum
  if (sum.failed === 0) console.log(`✗ it ended with exit code ${code}\n${output.slice(-2_000)}`)
  return { ...sum, failed: Math.max(sum.failed, 1) }
}

await main(async () => {
  const asked = process.argv.slice(2)
  const platforms = asked.includes('--all') ? Object.keys(targets) : asked
  for (const platform of platforms) targetOf(platform)
  if (platforms.length === 0) throw new Failure('which platform? node scripts/cross/run.mjs linux-x64-musl, or --all')
  await build({ hasAddon: false })
  const sums = []
  for (const platform of platforms) {
    const target = targetOf(platform)
    const addon = await shippedAddon(platform)
    console.log(`== ${platform}: ${describe(addon)}`)
    const library = await plugin(platform)
    for (const machine of await machinesFor(platform, target, ownPlatform())) {
      sums.push(await tryOn(machine, platform, addon, library))
    }
    if (target.libc === 'gnu') sums.push(await loadsOnOldest(target, addon, join(CACHE, platform)))
  }
  const [passed, failed] = ['passed', 'failed'].map((key) => sums.reduce((total, sum) => total + sum[key], 0))
  console.log(`\n${passed} passed, ${failed} failed`)
  if (failed > 0) process.exitCode = 1
})
