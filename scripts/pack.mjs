// npm run pack: the tarballs of the main package and of this platform's package, in artifacts/.
//
// The main package asks for the platforms' packages as optional dependencies, of its own version. They stand
// in the packed package.json only: in the repository's own, npm ci would look for packages that are not
// published yet.
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from './build.mjs'
import { Failure, main, must, npmScript, root } from './command.mjs'

const OUT = join(root, 'artifacts')
/** Of use in the repository only. */
const OURS = ['scripts', 'devDependencies', 'ava']

const read = (folder) => JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))

/** The folders under npm/, one for each target of package.json. */
export function platforms() {
  return readdirSync(join(root, 'npm')).filter((name) => existsSync(join(root, 'npm', name, 'package.json')))
}

/** The package.json that is published. */
function packedManifest() {
  const manifest = read('.')
  for (const key of OURS) delete manifest[key]
  const packages = platforms().map((platform) => read(`npm/${platform}`))
  for (const { name, version } of packages) {
    if (version !== manifest.version) throw new Failure(`${name} has version ${version}, the main package ${manifest.version}`)
  }
  manifest.optionalDependencies = Object.fromEntries(packages.map(({ name, version }) => [name, version]))
  return manifest
}

function stage(name, files, manifest) {
  const folder = join(OUT, 'stage', name)
  mkdirSync(folder, { recursive: true })
  for (const [from, to] of files) cpSync(join(root, from), join(folder, to), { recursive: true })
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  return folder
}

function stageMain() {
  const files = [...read('.').files, 'README.md', 'LICENSE'].map((path) => [path, path])
  return stage('main', files, packedManifest())
}

/** The platform whose addon was built here. */
function stagePlatform() {
  const platform = platforms().find((name) => existsSync(join(root, `concurrent-futures.${name}.node`)))
  if (platform === undefined) throw new Failure('there is no addon of a platform of npm/ here: run npm run build')
  const addon = `concurrent-futures.${platform}.node`
  const files = [[addon, addon], [`npm/${platform}/README.md`, 'README.md'], ['LICENSE', 'LICENSE']]
  return stage(platform, files, read(`npm/${platform}`))
}

/** Makes the tarballs; answers their paths, the main package's first. */
export async function pack() {
  await build()
  rmSync(OUT, { recursive: true, force: true })
  const tarballs = []
  for (const folder of [stageMain(), stagePlatform()]) {
    const args = [npmScript(), 'pack', '--json', '--ignore-scripts', '--pack-destination', OUT]
    const { stdout } = await must('npm pack', process.execPath, args, { cwd: folder })
    const listing = Object.values(JSON.parse(stdout))[0]
    const path = join(OUT, listing.filename)
    tarballs.push({
      path,
      name: listing.name,
      files: listing.files.map((file) => file.path),
      size: listing.size,
    })
  }
  rmSync(join(OUT, 'stage'), { recursive: true })
  return tarballs
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    for (const { path, files, size } of await pack()) console.log(`${path}  ${files.length} files, ${Math.ceil(size / 1024)} kB`)
  })
}
