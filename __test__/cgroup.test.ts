/** How many processors the cgroups of a process allow it, read from a system made of files. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import test from 'ava'
import { cleanEnd, ended, runNode } from './child.ts'
import { Folder } from './gate.ts'
import { cgroupCpus } from '../lib/host/cgroup.ts'

const SECOND = '30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate'
const FIRST = '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:11 master:2 - cgroup cgroup rw,cpu,cpuacct'
const OTHERS = ['22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw', '33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset']

interface System {
  /** The lines of /proc/self/cgroup and of /proc/self/mountinfo; without them there is no such file. */
  groups?: string[]
  mounts?: string[]
  /** What is in other files, by their paths. */
  files: Record<string, string>
}

const first = (quota: number, folder: string): Record<string, string> => ({
  [`${folder}/cpu.cfs_quota_us`]: `${quota}\n`,
  [`${folder}/cpu.cfs_period_us`]: '100000\n',
})

const CPU = '/sys/fs/cgroup/cpu,cpuacct'
const max = (text: string, folder: string): Record<string, string> => ({ [`${folder}/cpu.max`]: `${text}\n` })

const systems: [what: string, system: System, cpus: number][] = [
  ['no quota at all', { groups: ['0::/a'], mounts: [SECOND], files: max('max 100000', '/sys/fs/cgroup/a') }, Infinity],
  ['a quota of the root', { groups: ['0::/'], mounts: [SECOND], files: max('200000 100000', '/sys/fs/cgroup') }, 2],
  ['one of the own group', { groups: ['0::/a/b'], mounts: [SECOND], files: max('100000 100000', '/sys/fs/cgroup/a/b') }, 1],
  [
    'the least on the way up is in the middle',
    {
      groups: ['0::/system.slice/ci:runner.service/job'],
      mounts: [...OTHERS, SECOND],
      files: {
        ...max('max 100000', '/sys/fs/cgroup/system.slice/ci:runner.service/job'),
        ...max('300000 100000', '/sys/fs/cgroup/system.slice/ci:runner.service'),
        ...max('400000 100000', '/sys/fs/cgroup/system.slice'),
      },
    },
    3,
  ],
  ['a part of a processor counts as one', { groups: ['0::/a'], mounts: [SECOND], files: max('5000 100000', '/sys/fs/cgroup/a') }, 1],
  ['one and a half as two', { groups: ['0::/a'], mounts: [SECOND], files: max('75000 50000', '/sys/fs/cgroup/a') }, 2],
  ['a file of one number', { groups: ['0::/a'], mounts: [SECOND], files: max('max', '/sys/fs/cgroup/a') }, Infinity],
  [
    'version 1, its own group',
    {
      groups: ['3:cpuset:/x', '2:cpu,cpuacct:/jobs/one', '0::/other'],
      mounts: [...OTHERS, FIRST],
      files: first(200_000, `${CPU}/jobs/one`),
    },
    2,
  ],
  [
    'version 1, a group above',
    { groups: ['2:cpu,cpuacct:/jobs/one'], mounts: [FIRST], files: { ...first(-1, `${CPU}/jobs/one`), ...first(100_000, `${CPU}/jobs`) } },
    1,
  ],
  [
    'both versions: the lesser one',
    {
      groups: ['2:cpu,cpuacct:/one', '0::/two'],
      mounts: [FIRST, SECOND.replace(' /sys/fs/cgroup ', ' /sys/fs/cgroup/unified ')],
      files: { ...first(300_000, `${CPU}/one`), ...max('200000 100000', '/sys/fs/cgroup/unified/two') },
    },
    2,
  ],
  [
    "another controller's group of version 1 does not count",
    { groups: ['3:cpuset:/one', '2:cpu,cpuacct:/'], mounts: [...OTHERS, FIRST], files: first(100_000, `${CPU}/one`) },
    Infinity,
  ],
  [
    'mounted elsewhere, with a space in the name',
    {
      groups: ['0::/a'],
      mounts: [SECOND.replace(' /sys/fs/cgroup ', ' /run/my\\040groups ')],
      files: max('100000 100000', '/run/my groups/a'),
    },
    1,
  ],
  [
    "only a container's own part is mounted",
    {
      groups: ['2:cpu,cpuacct:/docker/abc/in'],
      mounts: [FIRST.replace(' / /sys', ' /docker/abc /sys')],
      files: { ...first(200_000, `${CPU}/in`), ...first(-1, CPU) },
    },
    2,
  ],
  [
    "the container's own group is where it is mounted",
    { groups: ['2:cpu,cpuacct:/docker/abc'], mounts: [FIRST.replace(' / /sys', ' /docker/abc /sys')], files: first(200_000, CPU) },
    2,
  ],
  [
    'the path is not seen under the mount',
    { groups: ['0::/kubepods/pod1/abc'], mounts: [SECOND], files: max('200000 100000', '/sys/fs/cgroup') },
    2,
  ],
  [
    'the group lies outside of the namespace',
    { groups: ['0::/../other'], mounts: [SECOND], files: max('200000 100000', '/sys/fs/cgroup') },
    2,
  ],
  ['no mountinfo', { groups: ['0::/a'], files: max('100000 100000', '/sys/fs/cgroup/a') }, 1],
  ['no mountinfo, version 1', { groups: ['1:cpu:/a'], files: first(100_000, '/sys/fs/cgroup/cpu/a') }, 1],
  ['no /proc', { files: max('100000 100000', '/sys/fs/cgroup') }, 1],
  ['nothing', { files: {} }, Infinity],
]

for (const [what, { groups, mounts, files }, cpus] of systems) {
  test(`the processors that the cgroups allow: ${what}`, (t) => {
    const folder = new Folder(t)
    const all: Record<string, string> = { ...files }
    if (groups !== undefined) all['/proc/self/cgroup'] = `${groups.join('\n')}\n`
    if (mounts !== undefined) all['/proc/self/mountinfo'] = `${mounts.join('\n')}\n`
    for (const [path, text] of Object.entries(all)) {
      mkdirSync(dirname(folder.file(path)), { recursive: true })
      writeFileSync(folder.file(path), text)
    }
    t.is(cgroupCpus(folder.file('')), cpus)
  })
}

test('a group with a quota, if one can be made here, limits a pool that is in it', async (t) => {
  const group = `/sys/fs/cgroup/cpu/concurrent-futures-${process.pid}`
  try {
    mkdirSync(`${group}/inner`, { recursive: true })
    writeFileSync(`${group}/cpu.cfs_quota_us`, '100000')
  } catch {
    t.pass('no group can be made')
    return
  }
  t.teardown(() => {
    for (const folder of [`${group}/inner`, group]) rmdirSync(folder)
  })
  const program = `
    import { writeFileSync } from 'node:fs'
    import { ThreadPoolExecutor } from 'concurrent-futures'
    writeFileSync('${group}/inner/cgroup.procs', String(process.pid))
    const executor = new ThreadPoolExecutor()
    const tasks = [1, 2, 3].map(() => executor.submit(() => new Promise((resolve) => setTimeout(resolve, 100))))
    let most = 0
    while (!tasks.every((task) => task.done())) {
      most = Math.max(most, executor.stats().running)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await executor.shutdown()
    console.log('@@value ' + most)`
  t.deepEqual(cleanEnd(await runNode(['--input-type=module', '-e', program])), ended(1 as unknown))
  t.is(readFileSync(`${group}/inner/cgroup.procs`, 'utf8'), '')
})
