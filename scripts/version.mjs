// node scripts/version.mjs: sees that all packages and crates have one version. With a version, or `v` and
// a version as tags have it, it sees that they have this one; with `--set` it writes it everywhere.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Failure, main, root } from './command.mjs'

const SEMVER = /^\d+\.\d+\.\d+(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/

const folders = (of) => readdirSync(join(root, of), { withFileTypes: true }).filter((entry) => entry.isDirectory())

/** Where a version stands: in these files, after what the pattern begins with. */
function places() {
  const inJson = /(?<=^ {2}"version": ")[^"]+/gm
  const inToml = /(?<=^version = ")[^"]+/gm
  const inLock = /(?<=^name = "concurrent-futures-\w+"\nversion = ")[^"]+/gm
  return [
    ['package.json', inJson],
    ...folders('npm').map(({ name }) => [`npm/${name}/package.json`, inJson]),
    ['package-lock.json', /(?<="name": "concurrent-futures",\n *"version": ")[^"]+/g],
    ['Cargo.toml', inToml],
    ...folders('crates').map(({ name }) => [`crates/${name}/Cargo.toml`, inToml, 'or that of the workspace']),
    ['Cargo.lock', inLock],
    ['examples/plugin-rust/Cargo.lock', inLock],
    ['index.js', /(?<=bindingPackageVersion !== ')[^']+/g],
    ['index.js', /(?<=version mismatch, expected )\S+/g],
  ]
}

const read = (file) => readFileSync(join(root, file), 'utf8')

export const versionOfPackage = () => JSON.parse(read('package.json')).version

/** @throws {Failure} naming each file that has another version */
export function checkVersions(wanted = versionOfPackage()) {
  const wrong = places().flatMap(([file, pattern, orNone]) => {
    const found = read(file).match(pattern) ?? (orNone ? [] : ['?'])
    return found.filter((version) => version !== wanted).map((version) => `${file} has version ${version}, not ${wanted}`)
  })
  if (wrong.length > 0) throw new Failure([...new Set(wrong)].join('\n'))
}

function setVersions(version) {
  for (const [file, pattern] of places()) writeFileSync(join(root, file), read(file).replaceAll(pattern, version))
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(() => {
    const args = process.argv.slice(2)
    const version = args.find((arg) => !arg.startsWith('--'))?.replace(/^v/, '') ?? versionOfPackage()
    if (!SEMVER.test(version)) throw new Failure(`'${version}' is no version`)
    if (args.includes('--set')) setVersions(version)
    checkVersions(version)
    console.log(version)
  })
}
