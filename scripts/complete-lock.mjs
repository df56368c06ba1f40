// node scripts/complete-lock.mjs: after an npm install that changed package-lock.json.
//
// npm leaves out of the lock file what it could not fetch, such as the binaries of other platforms where a
// registry has only some of them; npm ci then refuses the lock file everywhere. This adds an entry for each:
// its version is in the package that asks for it, its platform in its name.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { main, root } from './command.mjs'

const SYSTEMS = 'android|darwin|freebsd|linux|openharmony|win32'
const PROCESSORS = 'arm64|arm|ia32|loong64|ppc64|riscv64|s390x|x64'
const PLATFORM = new RegExp(`-(${SYSTEMS})-(${PROCESSORS})(?:-(gnu|gnueabihf|musl|msvc|eabi))?$`)
const LIBC = { gnu: 'glibc', gnueabihf: 'glibc', musl: 'musl' }

/** Where the package runs, or undefined when its name does not say. */
function platformOf(name) {
  if (/-wasm32-wasi$/.test(name)) return { cpu: ['wasm32'] }
  const match = PLATFORM.exec(name)
  if (match === null) return undefined
  const [, os, cpu, abi] = match
  const libc = os === 'linux' ? LIBC[abi] : undefined
  return { cpu: [cpu], ...(libc && { libc: [libc] }), os: [os] }
}

function missing(packages) {
  const found = {}
  for (const { optionalDependencies = {}, dev } of Object.values(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const path = `node_modules/${name}`
      const platform = platformOf(name)
      if (packages[path] !== undefined || platform === undefined) continue
      const { cpu, libc, os } = platform
      found[path] = {
        version,
        cpu,
        ...(dev && { dev }),
        ...(libc && { libc }),
        optional: true,
        ...(os && { os }),
      }
    }
  }
  return found
}

await main(() => {
  const file = join(root, 'package-lock.json')
  const lock = JSON.parse(readFileSync(file, 'utf8'))
  const added = missing(lock.packages)
  const all = Object.entries({ ...lock.packages, ...added })
  lock.packages = Object.fromEntries(all.sort(([a], [b]) => a.localeCompare(b, 'en')))
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
  console.log(`${Object.keys(added).length} packages of other platforms added`)
})
