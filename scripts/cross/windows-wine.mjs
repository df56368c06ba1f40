// Wine, by which programs for Windows run on Linux: the one that is installed, if it is new enough, or else
// that of Debian 13 in a folder of its own, which takes debootstrap and root.
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, must, root, run } from '../command.mjs'
import { step } from '../step.mjs'
import { CACHE } from './tools.mjs'

/** Older ones lack bcryptprimitives.dll, from which Rust's standard library takes its random numbers. */
const OLDEST = 10
const SUITE = 'trixie'
const FOLDER = join(CACHE, 'wine')
const MIRROR = process.env.DEBIAN_MIRROR ?? 'http://deb.debian.org/debian'

const SETTINGS = {
  WINEPREFIX: join(CACHE, 'wine-prefix'),
  WINEDEBUG: '-all',
  // No browser, no .NET, no entries in a desktop's menus.
  WINEDLLOVERRIDES: 'mscoree=;mshtml=;winemenubuilder.exe=',
}

/**
 * With mounts and processes that nobody else sees, and that end with it: the repository lies in the other
 * system where it lies here.
 */
const ENTER = `
set -e
mkdir -p "$0$1"
mount --bind "$1" "$0$1"
mount --bind /dev "$0/dev"
mount -t proc proc "$0/proc"
exec chroot "$0" /usr/bin/env -i --chdir="$1" PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "\${@:2}"
`

async function installed() {
  const answer = await run('wine', ['--version']).catch(() => undefined)
  const major = Number(/^wine-(\d+)/.exec(answer?.stdout ?? '')?.[1])
  return major >= OLDEST ? { version: answer.stdout.trim() } : undefined
}

async function ofDebian() {
  if (!existsSync(FOLDER)) {
    const has = await run('debootstrap', ['--version']).catch(() => undefined)
    if (has === undefined || process.getuid() !== 0) {
      throw new Failure(`Wine ${OLDEST} or newer is missing: install it, or install debootstrap and run this as root`)
    }
    const fresh = `${FOLDER}.new`
    rmSync(fresh, { recursive: true, force: true })
    const args = ['--variant=minbase', '--include=wine,wine64', SUITE, fresh, MIRROR]
    await step(`Wine of Debian's ${SUITE}`, (note) => must('debootstrap', 'debootstrap', args, { onLine: note }))
    renameSync(fresh, FOLDER)
  }
  const enter = ['unshare', '--mount', '--pid', '--fork', '--kill-child', 'bash', '-c', ENTER, FOLDER, root]
  const { stdout } = await must('wine --version', enter[0], [...enter.slice(1), 'wine', '--version'])
  return { enter, version: stdout.trim() }
}

/** Node under Wine cannot have pipes for its streams, so what is printed goes into a file. */
function toFile(words, { env, limit }) {
  const path = join(CACHE, 'wine-output')
  const file = openSync(path, 'w')
  return new Promise((resolve, reject) => {
    const child = spawn(words[0], words.slice(1), { cwd: root, env, detached: true, stdio: ['ignore', file, file] })
    const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), limit)
    const close = () => {
      clearTimeout(timer)
      closeSync(file)
    }
    child.on('error', (error) => (close(), reject(error)))
    child.on('close', (code, signal) => (close(), resolve({ code, signal, output: readFileSync(path, 'utf8') })))
  })
}

/** Makes Wine's folder, which is whole once its server has written the registry and gone. */
async function prepare(start) {
  const done = join(SETTINGS.WINEPREFIX, '.prepared')
  if (existsSync(done)) return
  mkdirSync(SETTINGS.WINEPREFIX, { recursive: true })
  await step('prepare Wine', async () => {
    const { code, output } = await start(['sh', '-c', 'wineboot --init && wineserver --wait'], { limit: 300_000 })
    if (code !== 0) throw new Failure(`Wine cannot be prepared\n${output}`)
    writeFileSync(done, '')
  })
}

/**
 * Its version, and `run(words, { env, limit })` for a program in the repository, which answers code and
 * output.
 */
export async function findWine() {
  const { enter, version } = (await installed()) ?? (await ofDebian())
  const start = (words, { env = {}, limit }) => {
    const settings = { ...SETTINGS, ...env }
    if (enter === undefined) return toFile(words, { env: { ...process.env, ...settings }, limit })
    const pairs = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
    return toFile([...enter, ...pairs, ...words], { env: process.env, limit })
  }
  await prepare(start)
  return { version, run: (program, options) => start(['wine', ...program], options) }
}
