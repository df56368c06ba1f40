// node scripts/publish.mjs: publishes the tarballs of artifacts/, which npm run pack -- --all has made.
//
//   --dry-run      all checks, but nothing is sent
//   --provenance   with a statement of where they were built, which a workflow alone can give
//   --tag v1.2.3   the tag that is released, which has to be their version
//   --registry …   another one than npm is set to
//
// The packages of the platforms come first and the main package last: it is there when all that it asks for
// is. What the registry has already is left as it is, so that a run that broke off can be run again, with
// the same tarballs. This runs where packages may be published, so it needs nothing from node_modules.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { CommandFailure, Failure, main, must, npmScript, run } from './command.mjs'
import { isNewer } from './newer.mjs'
import { webAddress } from './pages.mjs'
import { manifestOf, platforms, tarballOf } from './platforms.mjs'
import { checkVersions, versionOfPackage } from './version.mjs'

const FIRST_NPM = '11.5.1'
const OPTIONS = {
  'dry-run': { type: 'boolean' },
  provenance: { type: 'boolean' },
  tag: { type: 'string' },
  registry: { type: 'string' },
}

/** In the order in which they are published. */
function tarballs() {
  const manifests = [...platforms().map((platform) => manifestOf(`npm/${platform}`)), manifestOf('.')]
  return manifests.map((manifest) => ({ name: manifest.name, path: tarballOf(manifest) }))
}

/** Before the first is sent: what would make a later one fail. */
async function checkAll(packages, version, { tag, provenance }) {
  checkVersions(tag?.replace(/^v/, '') ?? version)
  const missing = packages.filter(({ path }) => !existsSync(path))
  if (missing.length > 0) throw new Failure(`there is no ${missing.map(({ path }) => path).join(', no ')}: run npm run pack -- --all`)
  if (!provenance) return
  if (webAddress(manifestOf('.').repository) === undefined) {
    throw new Failure('package.json names no repository, which the registry compares with the origin that is stated')
  }
  const { stdout } = await must('npm --version', process.execPath, [npmScript(), '--version'])
  const found = stdout.trim()
  if (isNewer(FIRST_NPM, found)) throw new Failure(`npm ${found} cannot publish without a token: ${FIRST_NPM} can`)
}

/** The hash of what the registry has under this version, or undefined. */
async function published(name, version, flags) {
  const args = [npmScript(), 'view', `${name}@${version}`, 'dist.integrity', '--json', ...flags]
  const result = await run(process.execPath, args)
  if (result.code === 0) return result.stdout.trim() === '' ? undefined : JSON.parse(result.stdout)
  if (/\bE404\b/.test(result.output)) return undefined
  throw new CommandFailure(`npm view ${name}`, result)
}

async function publish({ name, path }, version, { 'dry-run': isDry, provenance, registry }) {
  const flags = registry === undefined ? [] : ['--registry', registry]
  const there = await published(name, version, flags)
  if (there !== undefined) {
    const ours = `sha512-${createHash('sha512').update(readFileSync(path)).digest('base64')}`
    if (there === ours) return 'is there already'
    throw new Failure(`the registry has another ${name}@${version}: publish the tarballs of that run, or a new version`)
  }
  const args = ['publish', path, '--access', 'public', '--ignore-scripts', '--tag', version.includes('-') ? 'next' : 'latest', ...flags]
  if (isDry) args.push('--dry-run')
  else if (provenance) args.push('--provenance')
  await must(`npm publish ${name}`, process.execPath, [npmScript(), ...args])
  return isDry ? 'would be published' : 'is published'
}

await main(async () => {
  const { values } = parseArgs({ options: OPTIONS })
  const version = versionOfPackage()
  const packages = tarballs()
  await checkAll(packages, version, values)
  for (const each of packages) console.log(`${each.name}@${version} ${await publish(each, version, values)}`)
})
