// The oldest glibc itself: no Node.js runs there that npm or PyPI offers, but the addon can be loaded.
import { dirname, join } from 'node:path'
import { must, run } from '../command.mjs'
import { emulator } from './machines.mjs'
import { unpacked } from './nodes.mjs'
import { GLIBC } from './targets.mjs'
import { zigTools } from './tools.mjs'

/** Packages of npm with the glibc of CentOS 7, against which cross compilers link: its loader is run. */
const OF = {
  x64: { cpu: 'x86_64', name: '@napi-rs/cross-toolchain-x64-target-x86_64', version: '1.0.0' },
  arm64: { cpu: 'aarch64', name: '@napi-rs/cross-toolchain-x64-target-aarch64', version: '1.0.3' },
}
const LIMIT = 60_000

/** The folder of glibc's libraries. */
async function glibc({ cpu, name, version }) {
  const inside = `${cpu}-unknown-linux-gnu`
  const folder = await unpacked(name, version, ['package'], async (fresh) => {
    const tarball = join(fresh, 'package', `${inside}.tar.xz`)
    await must('tar', 'tar', ['-xf', tarball, '-C', fresh, '--no-same-owner', `./${inside}/sysroot/lib`])
  })
  return join(folder, inside, 'sysroot/lib')
}

/** Whether that glibc loads the binary: a sentence to print, and the sum. */
export async function loadsOnOldest({ arch }, addon, folder) {
  const { zig, env } = await zigTools()
  const program = join(folder, 'load')
  const { cpu } = OF[arch]
  const options = ['-target', `${cpu}-linux-gnu.${GLIBC}`, '-O2', '-o', program, 'scripts/cross/load.c', '-ldl']
  await must('zig cc', zig, ['cc', ...options], { env })
  const libraries = await glibc(OF[arch])
  // The emulator finds the loader beside the libraries; called by its name, one so old crashes there.
  const isOurs = arch === process.arch
  const first = isOurs ? join(libraries, `ld-${GLIBC}.so`) : await emulator(arch)
  const before = isOurs ? ['--library-path', libraries] : ['-L', dirname(libraries)]
  const { code, output } = await run(first, [...before, program, addon], { limit: LIMIT })
  const isFine = code === 0 && output.trim() === GLIBC
  console.log(isFine ? `✓ glibc ${GLIBC} itself loads it` : `✗ glibc ${GLIBC} does not load it\n${output}`)
  return { passed: isFine ? 1 : 0, failed: isFine ? 0 : 1 }
}
