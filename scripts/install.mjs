// The packages of a package-lock.json in node_modules, installed when they are not.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, must, npmScript, root } from './command.mjs'
import { step } from './step.mjs'

const MISSING_NODE = 'this Node.js is too old: install 20.19, 22.12 or newer from https://nodejs.org'

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  const isNew = major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19)
  if (!isNew) throw new Failure(MISSING_NODE)
}

/** npm writes what it has installed into a lock file of its own, last of all. A link has no version. */
function isInstalled(folder) {
  const packagesIn = (file) => JSON.parse(readFileSync(join(folder, file), 'utf8')).packages
  if (!existsSync(join(folder, 'node_modules/.package-lock.json'))) return false
  const installed = packagesIn('node_modules/.package-lock.json')
  return Object.entries(packagesIn('package-lock.json')).every(([path, { version, optional }]) => {
    if (!path.startsWith('node_modules/')) return true
    return installed[path] === undefined ? optional === true : installed[path].version === version
  })
}

async function installIn(folder, title, options) {
  if (isInstalled(folder)) return
  const args = [npmScript(), 'ci', ...options, '--no-audit', '--no-fund']
  await step(title, () => must('npm ci', process.execPath, args, { cwd: folder }))
}

export async function install() {
  checkNode()
  await installIn(root, 'install packages', ['--include=dev'])
}

/** The packages of a folder that has a package.json of its own, besides ours. */
export async function installAlso(folder) {
  await install()
  await installIn(join(root, folder), `install the packages of ${folder}/`, ['--include=dev', '--ignore-scripts'])
}
