/**
 * How many processors the cgroups of this process allow it. A quota holds for all that lies beneath the group
 * that has it, so the least one on the way from the process's own group up to the root counts. (Which
 * processors it may use, its cpuset, `os.availableParallelism()` knows: the system cuts the affinity by it.)
 */
import { readFileSync } from 'node:fs'

/** Where one hierarchy of groups can be read, and what a group's quota is called there. */
interface Mount {
  /** The folder in which it is mounted, and the group that is seen there. */
  readonly at: string
  readonly top: string
  readonly isFirst: boolean
}

/** The usual places, looked at even if `/proc/self/mountinfo` cannot be read or does not name them. */
const USUAL: readonly Mount[] = [
  { at: '/sys/fs/cgroup', top: '/', isFirst: false },
  { at: '/sys/fs/cgroup/cpu', top: '/', isFirst: true },
]

/**
 * The processors' time that the cgroups allow, rounded up to whole processors; Infinity without a limit.
 *
 * @param root - what stands before each path that is read, for tests
 */
export function cgroupCpus(root: string = ''): number {
  const groups = groupsOf(read(`${root}/proc/self/cgroup`))
  const quotas = mountsOf(read(`${root}/proc/self/mountinfo`)).flatMap(({ at, top, isFirst }) => {
    const own = isFirst ? groups.first : groups.second
    return foldersOf(own, top).map((folder) => quotaIn(`${root}${at}${folder}`, isFirst))
  })
  return Math.min(Infinity, ...quotas)
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** The process's group in version 1's hierarchy of processors' time, and in version 2's only one. */
function groupsOf(text: string | undefined): { first: string; second: string } {
  const groups = { first: '/', second: '/' }
  for (const line of text?.split('\n') ?? []) {
    // 4:cpu,cpuacct:/path or 0::/path; a path may hold colons.
    const [, number, controllers, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? []
    if (controllers === undefined || path === undefined) continue
    if (controllers.split(',').includes('cpu')) groups.first = path
    else if (number === '0' && controllers === '') groups.second = path
  }
  return groups
}

/** Where hierarchies that know of processors' time are mounted. */
function mountsOf(text: string | undefined): readonly Mount[] {
  const mounts: Mount[] = []
  for (const line of text?.split('\n') ?? []) {
    // 36 35 98:0 /top /at options [tags] - type source options
    const [before = '', after = ''] = line.split(' - ')
    const [, , , top, at] = before.split(' ').map(unescape)
    const [type, , options = ''] = after.split(' ')
    const isFirst = type === 'cgroup' && options.split(',').includes('cpu')
    if (top === undefined || at === undefined || (type !== 'cgroup2' && !isFirst)) continue
    mounts.push({ at, top, isFirst })
  }
  return [...mounts, ...USUAL.filter(({ at }) => mounts.every((mount) => mount.at !== at))]
}

/** Spaces and their like are written as octal numbers there. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))
}

/**
 * The folders from a group's up to that of the mount. In a namespace, or a container, the group may not lie
 * where its path says, or not be seen at all: the folders that are not there are passed over.
 */
function foldersOf(group: string, top: string): string[] {
  const isUnder = top !== '/' && (group === top || group.startsWith(`${top}/`))
  const steps = (isUnder ? group.slice(top.length) : group).split('/').filter((step) => step !== '')
  if (steps.includes('..')) return ['']
  const folders = ['']
  for (const step of steps) folders.push(`${folders.at(-1)}/${step}`)
  return folders
}

/** The quota of the group in a folder. */
function quotaIn(folder: string, isFirst: boolean): number {
  const [quota, period] = isFirst
    ? [read(`${folder}/cpu.cfs_quota_us`), read(`${folder}/cpu.cfs_period_us`)]
    : (read(`${folder}/cpu.max`)?.split(' ') ?? [])
  const [time, each] = [Number(quota), Number(period)]
  return time > 0 && each > 0 ? Math.ceil(time / each) : Infinity
}
