// The platforms that there are packages for, and those packages.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './command.mjs'

/** The folders under npm/, one for each target of package.json. */
export function platforms() {
  return readdirSync(join(root, 'npm')).filter((name) => existsSync(join(root, 'npm', name, 'package.json')))
}

/** The file of a platform's addon. */
export const fileOf = (platform) => `concurrent-futures.${platform}.node`

/** The name of the platform that runs this, as in npm/. */
export function ownPlatform() {
  const { arch, platform } = process
  if (platform === 'win32') return `win32-${arch}-msvc`
  if (platform !== 'linux') return `${platform}-${arch}`
  const report = process.report.getReport()
  return `linux-${arch}-${report.header.glibcVersionRuntime === undefined ? 'musl' : 'gnu'}`
}

/** The package.json of a folder of the repository. */
export const manifestOf = (folder) => JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))

/** The tarball that npm pack makes of a package. */
export const tarballOf = ({ name, version }) => join(root, 'artifacts', `${name.replace('@', '').replace('/', '-')}-${version}.tgz`)
