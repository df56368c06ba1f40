/** Builds the plug-ins of examples/, and others from C texts, into target/test-plugins. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'target/test-plugins')
const suffix = process.platform === 'darwin' ? '.dylib' : '.so'

/** Runs a compiler; its errors are the test's. */
function compile(command: string, args: string[]): void {
  const { RUSTFLAGS: _, CARGO_BUILD_TARGET: __, ...env } = process.env
  execFileSync(command, args, { cwd: root, env, stdio: 'pipe' })
}

/** The path of examples/plugin-rust, built. */
export function buildRust(): string {
  compile('cargo', ['build', '--quiet', '--offline', '--manifest-path', 'examples/plugin-rust/Cargo.toml', '--target-dir', folder])
  return join(folder, 'debug', `libplugin_rust${suffix}`)
}

/** The path of a library of that name, built from a C file. */
export function buildC(source: string, name: string): string {
  mkdirSync(folder, { recursive: true })
  const library = join(folder, `${name}${suffix}`)
  compile('cc', ['-std=c11', '-O2', '-shared', '-fPIC', '-I', 'crates/task/include', '-o', library, source, '-lpthread'])
  return library
}

/** The same from a text, with the header of the ABI in front. */
export function buildCText(text: string, name: string): string {
  mkdirSync(folder, { recursive: true })
  const source = join(folder, `${name}.c`)
  writeFileSync(source, `#include "concurrent_futures_task.h"\n#include <string.h>\n${text}\n`)
  return buildC(source, name)
}
