// What npm would have put into node_modules on a platform, and the check beside it.
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../command.mjs'
import { stageMain, stagePlatform } from '../pack.mjs'

/** @param addon - the path of the platform's binary */
export function placePackage(folder, platform, addon) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  stageMain(join(folder, 'node_modules/concurrent-futures'))
  stagePlatform(platform, addon, join(folder, `node_modules/@concurrent-futures/binding-${platform}`))
  // A package of its own: inside the repository the name would be the repository's.
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  for (const name of ['check.mjs', 'checks.mjs']) copyFileSync(join(root, 'scripts/cross', name), join(folder, name))
}
