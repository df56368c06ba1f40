// The platforms of Linux: how each is built, and what its binary may ask of the system that loads it.
import { Failure } from '../command.mjs'

/**
 * The glibc of CentOS 7 and all after it. Node's own builds for Linux ask for 2.28, those for old systems for
 * 2.17: the addon is not what keeps anybody from an old system.
 */
export const GLIBC = '2.17'

const gnu = (arch, cpu, loader) => ({
  arch,
  libc: 'gnu',
  triple: `${cpu}-unknown-linux-gnu`,
  // Of the C library alone, and in its old parts: no libgcc_s, no libunwind, which not every system has.
  libraries: ['libc.so.6', 'libdl.so.2', 'libm.so.6', 'libpthread.so.0', loader],
})

const musl = (arch, cpu) => ({
  arch,
  libc: 'musl',
  triple: `${cpu}-unknown-linux-musl`,
  libraries: ['libc.so'],
})

export const targets = {
  'linux-x64-gnu': gnu('x64', 'x86_64', 'ld-linux-x86-64.so.2'),
  'linux-arm64-gnu': gnu('arm64', 'aarch64', 'ld-linux-aarch64.so.1'),
  'linux-x64-musl': musl('x64', 'x86_64'),
  'linux-arm64-musl': musl('arm64', 'aarch64'),
}

export function targetOf(platform) {
  if (Object.hasOwn(targets, platform)) return targets[platform]
  throw new Failure(`there is no platform '${platform}' of Linux; there are ${Object.keys(targets).join(', ')}`)
}
