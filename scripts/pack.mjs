// npm run pack: the tarballs of the main package and of this platform's package, in artifacts/. With --all
// those of every platform: nothing is built, and the addons have to be there already, for each target of
// package.json.
//
// The main package asks for the platforms' packages as optional dependencies, of its own version. They
// stand in the packed package.json only: in the repository's own, npm ci would look for packages that are
// not published yet. Those that are not packed with it are left out for the same reason: npm cannot put
// what it does not find into a user's lock file, and npm ci refuses a lock file without them.
//
// The binary for Linux is not the one of npm run build, which the system's own linker has made for the
// system's own C library: scripts/cross/ makes the one that is shipped.
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { checkBinary } from './binary.mjs'
import { build } from './build.mjs'
import { shippedAddon } from './cross/build.mjs'
import { faultsOf } from './cross/inspect.mjs'
import { targets } from './cross/targets.mjs'
import { Failure, main, must, npmScript, root } from './command.mjs'
import { packedPages } from './pages.mjs'
import { fileOf, manifestOf, ownPlatform, platforms } from './platforms.mjs'
import { checkVersions } from './version.mjs'

const OUT = join(root, 'artifacts')
/** Of use in the repository only. */
const OURS = ['scripts', 'devDependencies', 'ava']

/** The package.json that is published. */
function packedManifest(packed) {
  const manifest = manifestOf('.')
  for (const key of OURS) delete manifest[key]
  const packages = packed.map((platform) => manifestOf(`npm/${platform}`))
  manifest.optionalDependencies = Object.fromEntries(packages.map(({ name, version }) => [name, version]))
  return manifest
}

function stage(folder, files, manifest) {
  mkdirSync(folder, { recursive: true })
  for (const [from, to] of files) cpSync(resolve(root, from), join(folder, to), { recursive: true })
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  return folder
}

/**
 * Puts into a folder what the main package ships, and answers it.
 *
 * @param packed - the platforms that are packed with it
 */
export function stageMain(folder, packed = platforms()) {
  const manifest = packedManifest(packed)
  const files = [...manifest.files, 'LICENSE']
  const pages = packedPages(manifest, files)
  manifest.files.push(...pages.keys())
  stage(
    folder,
    files.map((path) => [path, path]),
    manifest,
  )
  for (const [page, text] of pages) {
    mkdirSync(dirname(join(folder, page)), { recursive: true })
    writeFileSync(join(folder, page), text)
  }
  return folder
}

/** The same for the package of a platform, whose binary lies at `addon`. */
export function stagePlatform(platform, addon, folder) {
  const files = [
    [addon, fileOf(platform)],
    [`npm/${platform}/README.md`, 'README.md'],
    ['LICENSE', 'LICENSE'],
  ]
  // What a registry compares with the place that the package comes from.
  const { repository } = manifestOf('.')
  return stage(folder, files, { ...manifestOf(`npm/${platform}`), ...(repository && { repository }) })
}

/** The binary for this platform as it is shipped, by the platform. */
async function ownAddon() {
  await build()
  const platform = ownPlatform()
  if (Object.hasOwn(targets, platform)) return new Map([[platform, await shippedAddon(platform)]])
  const addon = join(root, fileOf(platform))
  if (platforms().includes(platform) && existsSync(addon)) return new Map([[platform, addon]])
  throw new Failure(`there is no addon of a platform of npm/ here: ${platform} is none of them`)
}

/** Those of all platforms, which have been put into the root. */
function builtAddons() {
  const addons = new Map(platforms().map((platform) => [platform, join(root, fileOf(platform))]))
  const missing = [...addons].filter(([, path]) => !existsSync(path)).map(([platform]) => fileOf(platform))
  if (missing.length > 0) throw new Failure(`there is no ${missing.join(', no ')}: build these first`)
  for (const [platform, path] of addons) {
    checkBinary(path, platform)
    const faults = Object.hasOwn(targets, platform) ? faultsOf(path, platform) : []
    if (faults.length > 0) throw new Failure(`${path} cannot be shipped: ${faults.join('; ')}`)
  }
  return addons
}

/**
 * Makes the tarballs; answers their paths, the main package's first.
 *
 * @param asksFor - the platforms that the main package asks for; default those that are packed with it
 */
export async function pack({ all = false, asksFor } = {}) {
  checkVersions()
  const addons = all ? builtAddons() : await ownAddon()
  rmSync(OUT, { recursive: true, force: true })
  const staged = (name) => join(OUT, 'stage', name)
  const folders = [stageMain(staged('main'), asksFor ?? [...addons.keys()])]
  for (const [platform, addon] of addons) folders.push(stagePlatform(platform, addon, staged(platform)))
  const tarballs = []
  for (const folder of folders) {
    const args = [npmScript(), 'pack', '--json', '--ignore-scripts', '--pack-destination', OUT]
    const { stdout } = await must('npm pack', process.execPath, args, { cwd: folder })
    const listing = Object.values(JSON.parse(stdout))[0]
    const path = join(OUT, listing.filename)
    tarballs.push({
      path,
      name: listing.name,
      files: listing.files.map((file) => file.path),
      size: listing.size,
      unpackedSize: listing.unpackedSize,
    })
  }
  rmSync(join(OUT, 'stage'), { recursive: true })
  return tarballs
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const tarballs = await pack({ all: process.argv.includes('--all') })
    for (const { path, files, size } of tarballs) console.log(`${path}  ${files.length} files, ${Math.ceil(size / 1024)} kB`)
  })
}
