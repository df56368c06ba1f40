// Where a binary is tried: this machine, a root folder of another Linux, or an emulated processor with one.
import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../command.mjs'
import { debianFolder } from './debian.mjs'
import { MUSL_NODE, NODE, OLD_NODE, nodeFor } from './nodes.mjs'
import { CACHE } from './tools.mjs'

/** The oldest Debian whose packages are still offered, with glibc 2.31; Node's own builds need 2.28. */
const OLD_DEBIAN = 'bullseye'
/** With musl 1.2.5, as Alpine 3.20 has it. That of Debian 12 (1.2.3) is too old for the Node.js there is. */
const DEBIAN = 'trixie'
const GLIBC_PACKAGES = ['libc6', 'libgcc-s1', 'libstdc++6', 'libatomic1']
const EMULATORS = { arm64: 'qemu-aarch64', x64: 'qemu-x86_64' }
const LIMIT = 15 * 60_000

const debianArch = (arch) => ({ x64: 'amd64' })[arch] ?? arch

/** By this script the loader of the addon, as many programs, sees that a system is one of musl. */
const LDD_OF_MUSL = '#!/bin/sh\nexec /lib/ld-musl.so.1 --list "$@"\n'

async function libraries({ arch, libc }) {
  if (libc === 'musl') return debianFolder(DEBIAN, debianArch(arch), ['musl'])
  return debianFolder(OLD_DEBIAN, debianArch(arch), GLIBC_PACKAGES)
}

/** A root folder with a C library, Node.js, and nothing else. */
async function rootFolder(platform, target, version) {
  const folder = join(CACHE, 'roots', platform)
  rmSync(folder, { recursive: true, force: true })
  cpSync(await libraries(target), folder, { recursive: true, verbatimSymlinks: true })
  const node = await nodeFor(target, version)
  cpSync(node.folder, join(folder, 'opt/node'), { recursive: true, verbatimSymlinks: true })
  for (const name of ['proc', 'dev', 'tmp', 'bin', 'usr/bin']) mkdirSync(join(folder, name), { recursive: true })
  // Newer packages count on this link, which is none of theirs.
  if (!existsSync(join(folder, 'lib'))) symlinkSync('usr/lib', join(folder, 'lib'))
  if (target.libc === 'musl') writeFileSync(join(folder, 'usr/bin/ldd'), LDD_OF_MUSL, { mode: 0o755 })
  return { folder, node: join('/opt/node', node.program) }
}

const ENTER = 'mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"'

/** Runs Node where the folder is the root of all files; needs no right but that to make a namespace. */
function entered(title, { folder, node }) {
  const asRoot = process.getuid() === 0 ? [] : ['--user', '--map-root-user']
  return {
    title,
    /** Where a folder must lie to be seen, and what it is called there. */
    place: (name) => ({ outside: join(folder, name), inside: join('/', name) }),
    run: (cwd, args, options) =>
      run('unshare', [...asRoot, '--mount', 'sh', '-c', ENTER, folder, node, ...args], {
        ...options,
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/tmp' },
        limit: LIMIT,
      }),
  }
}

/** The path of a program for this machine that runs those for another processor. */
export async function emulator(arch) {
  const path = `usr/bin/${EMULATORS[arch]}`
  return join(await debianFolder(DEBIAN, debianArch(process.arch), ['qemu-user'], [path]), path)
}

/** Runs Node under an emulator. The system cannot start the programs of another processor: a script does. */
async function emulated(title, arch, { folder, node }) {
  const start = join(folder, 'node-emulated')
  const program = join(folder, node)
  writeFileSync(start, `#!/bin/sh\nexec '${await emulator(arch)}' -L '${folder}' '${program}' "$@"\n`)
  chmodSync(start, 0o755)
  return {
    title,
    place: (name) => ({ outside: join(folder, name), inside: join(folder, name) }),
    run: (cwd, args, options) => run(start, args, { ...options, cwd, env: { ...process.env, CHECK_NODE: start }, limit: LIMIT }),
  }
}

function here(title, [program, ...before]) {
  return {
    title,
    place: (name) => ({ outside: join(CACHE, 'roots', name), inside: join(CACHE, 'roots', name) }),
    run: (cwd, args, options) => run(program, [...before, ...args], { ...options, cwd, limit: LIMIT }),
  }
}

/** System calls that kernels as old as the oldest glibc do not have: of Linux 3.17, 5.3 and 5.9. */
const NEW_CALLS = 'memfd_create,pidfd_open,close_range'

/** This machine, and it again with what an old kernel answers. */
async function ours() {
  const title = `this machine, Node ${process.versions.node}`
  const machines = [here(title, [process.execPath])]
  const { code } = await run('strace', ['-V']).catch(() => ({ code: -1 }))
  if (code !== 0) {
    console.log('-- left out, since strace is not installed: a kernel that lacks calls')
    return machines
  }
  const inject = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${NEW_CALLS}`, '-e', `inject=${NEW_CALLS}:error=ENOSYS`]
  return [...machines, here(`${title}, kernel without ${NEW_CALLS}`, ['strace', ...inject, process.execPath])]
}

/** The machines on which a platform's binary is tried. */
export async function machinesFor(platform, target, own) {
  const isOurs = target.arch === process.arch
  const version = target.libc === 'musl' ? MUSL_NODE : isOurs ? OLD_NODE : NODE
  const system = target.libc === 'musl' ? `musl of Debian ${DEBIAN}` : `Debian ${OLD_DEBIAN}`
  const machine = await rootFolder(platform, target, version)
  const title = `${system}, Node ${version}`
  return [
    ...(platform === own ? await ours() : []),
    isOurs ? entered(title, machine) : await emulated(`${title}, ${EMULATORS[target.arch]}`, target.arch, machine),
  ]
}
