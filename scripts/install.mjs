// The packages of package-lock.json in node_modules, installed when they are not.
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

function packagesIn(file) {
  return JSON.parse(readFileSync(join(root, file), 'utf8')).packages
}

/** npm writes what it has installed into a lock file of its own, last of all. */
function isInstalled() {
  if (!existsSync(join(root, 'node_modules/.package-lock.json'))) return false
  const installed = packagesIn('node_modules/.package-lock.json')
  return Object.entries(packagesIn('package-lock.json')).every(([path, { version, optional }]) => {
    if (path === '') return true
    return installed[path] === undefined ? optional === true : installed[path].version === version
  })
}

export async function install() {
  checkNode()
  if (isInstalled()) return
  const args = [npmScript(), 'ci', '--include=dev', '--no-audit', '--no-fund']
  await step('install packages', () => must('npm ci', process.execPath, args))
}
