// napi-rs' AsyncTask, from the addon in native-peer/, which is built when it is first needed.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const modes = { default: {} }

const folder = fileURLToPath(new URL('../native-peer/', import.meta.url))
const addon = join(folder, 'target/native-peer.node')
const [prefix, suffix] = { win32: ['', '.dll'], darwin: ['lib', '.dylib'] }[process.platform] ?? ['lib', '.so']

function build() {
  if (existsSync(addon)) return
  const args = ['build', '--release', '--locked', '--manifest-path', join(folder, 'Cargo.toml'), '--target-dir', join(folder, 'target')]
  const cargo = spawnSync('cargo', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  if (cargo.status !== 0) throw new Error('native-peer could not be built')
  copyFileSync(join(folder, 'target/release', `${prefix}native_peer${suffix}`), addon)
}

build()

export function start() {
  const { noop } = createRequire(import.meta.url)(addon)
  return { noop, stop() {} }
}
