// Surroundings as containers have them, made with the means of Linux: no /dev/shm, a file system that
// cannot be written, other stacks, half a processor.
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../command.mjs'
import { ALL_WORKS, installedProject } from '../project.mjs'

const DEVICES = 'null zero full random urandom'

/** A /dev that has nothing but the devices that every program wants. */
const WITHOUT_SHM = `
  mkdir dev && mount -t tmpfs tmpfs dev
  for name in ${DEVICES}; do touch dev/$name; mount --bind /dev/$name dev/$name; done
  mount --move dev /dev
  if [ -e /dev/shm ]; then echo 'there is a /dev/shm'; exit 1; fi
`

/** Every mount that can be; those of the kernel stay. */
const READ_ONLY = `
  while read -r _ place type _; do
    case $type in proc|sysfs|cgroup*|devpts|mqueue) ;; *) mount -o remount,bind,ro "$place" 2>/dev/null ;; esac
  done < /proc/mounts
  if touch written 2>/dev/null; then echo 'files can be written'; exit 1; fi
`

/**
 * As an image "from scratch": Node.js with its libraries, the project, five devices; no /proc, no shell, no
 * /tmp.
 */
const BARE = `
  mkdir root && mount -t tmpfs tmpfs root && cd root
  mkdir -p app dev usr/bin
  for folder in lib lib64; do if [ -L /$folder ]; then cp -P /$folder .; fi; done
  for folder in lib lib64 usr/lib usr/lib64; do
    if [ -d /$folder ] && [ ! -L $folder ]; then mkdir -p $folder && mount --rbind /$folder $folder; fi
  done
  for name in ${DEVICES}; do touch dev/$name; mount --bind /dev/$name dev/$name; done
  cp "$(readlink -f "$0")" usr/bin/node
  mount --bind .. app
  mount -o remount,ro .
`

const installed = (context, name) => installedProject(context, name, { app: 'basic' })

const program = (before, file = 'main.mjs') => ['-c', `set -e\n${before}\nexec "$0" ${file}`, process.execPath]

const notLinux = () => (process.platform === 'linux' ? undefined : 'it is made with the means of Linux')

async function cannotMount() {
  const tried = await run('unshare', ['-m', 'true']).catch(() => ({ code: 1 }))
  return notLinux() ?? (tried.code === 0 ? undefined : 'mounting takes root')
}

/** @param last - what is run in the end, by the shell; default the program */
function inMounts(name, title, before, last = 'exec "$0" main.mjs') {
  return {
    title,
    unless: cannotMount,
    async run(context) {
      const project = await installed(context, name)
      await project.prints(ALL_WORKS, 'unshare', ['-m', '/bin/sh', '-c', `set -e\n${before}\n${last}`, process.execPath])
    },
  }
}

function withStack(size) {
  return {
    title: `with ulimit -s ${size}, so every thread that asks for no size has such a stack`,
    unless: notLinux,
    async run(context) {
      const project = await installed(context, `stack-${size}`)
      await project.prints(ALL_WORKS, '/bin/sh', program(`ulimit -s ${size}`))
    },
  }
}

/** The folder of cgroups in which one can be made, and how half a processor is written there. */
function cpuGroups() {
  const folder = '/sys/fs/cgroup'
  if (existsSync(join(folder, 'cpu/cpu.cfs_quota_us'))) return { folder: join(folder, 'cpu'), quota: ['cpu.cfs_quota_us', '50000'] }
  return existsSync(join(folder, 'cgroup.controllers')) ? { folder, quota: ['cpu.max', '50000 100000'] } : undefined
}

const groupPath = () => join(cpuGroups().folder, `concurrent-futures-${process.pid}`)

function cannotGroup() {
  const wrong = notLinux()
  if (wrong !== undefined) return wrong
  if (cpuGroups() === undefined) return 'there are no cgroups'
  try {
    mkdirSync(groupPath())
    writeFileSync(join(groupPath(), cpuGroups().quota[0]), cpuGroups().quota[1])
    return undefined
  } catch (error) {
    return `no cgroup can be made here (${error.code})`
  } finally {
    if (existsSync(groupPath())) rmdirSync(groupPath())
  }
}

export default {
  'no-dev-shm': inMounts('no-dev-shm', 'without /dev/shm', WITHOUT_SHM),
  'read-only': inMounts('read-only', 'on a file system that cannot be written', READ_ONLY),
  'bare-root': inMounts(
    'bare-root',
    'in a root with Node.js and its libraries alone: no /proc, no shell, nothing that can be written',
    BARE,
    'exec /usr/sbin/chroot . /usr/bin/node /app/main.mjs',
  ),
  'stack-64m': withStack('65536'),
  'stack-unlimited': withStack('unlimited'),
  'half-cpu': {
    title: 'in a cgroup of half a processor, where an executor has one worker by default',
    unless: cannotGroup,
    async run(context) {
      const project = await installed(context, 'half-cpu')
      project.write(
        'count.mjs',
        "import { ThreadPoolExecutor } from 'concurrent-futures'\nconsole.log(new ThreadPoolExecutor().maxWorkers)\n",
      )
      const { quota } = cpuGroups()
      const group = groupPath()
      mkdirSync(group)
      try {
        writeFileSync(join(group, quota[0]), quota[1])
        const enter = `echo $$ > ${group}/cgroup.procs`
        await project.prints('1\n', '/bin/sh', program(enter, 'count.mjs'))
        await project.prints(ALL_WORKS, '/bin/sh', program(enter))
      } finally {
        rmdirSync(group)
      }
    },
  },
}
