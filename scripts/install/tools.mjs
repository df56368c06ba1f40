// The tools that programs are installed, bundled and run with: each of one version, fetched when it is
// needed. None is a dependency of this repository: they are many, and large.
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, must, npmScript } from '../command.mjs'

export const VERSIONS = {
  '@yarnpkg/cli-dist': '4.18.1',
  bun: '1.4.5',
  deno: '2.9.6',
  pnpm: '12.21.0',
  postject: '1.0.0-alpha.6',
  // The newest that runs on Node.js 20.
  verdaccio: '6.8.0',
  yarn: '1.22.22',
}

/** Packages that the programs themselves ask for: a project's own devDependencies. */
export const PACKAGES = {
  '@types/node': '24.19.2',
  esbuild: '0.28.2',
  browserify: '17.0.1',
  jest: '30.5.2',
  next: '16.4.6',
  react: '19.3.1',
  'react-dom': '19.3.1',
  rolldown: '1.3.3',
  rollup: '4.68.8',
  typescript: '7.0.2',
  vite: '8.4.0',
  webpack: '5.113.0',
  'webpack-4': 'npm:webpack@4.47.0',
  'webpack-cli': '7.3.1',
}

/** Some of PACKAGES, as a package.json names them. */
export const pick = (...names) => Object.fromEntries(names.map((name) => [name, PACKAGES[name]]))

/**
 * Dependencies of the tools that ask for a tag instead of a version, which not every mirror of npm keeps.
 */
const OVERRIDES = { 'node-fetch': '2.7.0' }

/** So long a registry may take for all packages of a tool. */
const LIMIT = 5 * 60_000

/**
 * Installs a tool of VERSIONS with npm, from the registry that npm is set to. No install script runs: where a
 * tool is a binary, it is taken from the package of the platform.
 *
 * @param bin - the name of its command; default the tool's own
 * @param binary - where the binary lies under node_modules, if it is one; the folder of the platform is a `*`
 * @returns {Promise<string[]>} the command, with the arguments that it begins with
 */
export async function tool(scratch, name, { bin = name, binary } = {}) {
  const folder = join(scratch, 'tools', name.replaceAll('/', '+'))
  const installed = join(folder, 'node_modules', name)
  if (!existsSync(installed)) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, overrides: OVERRIDES }))
    const flags = ['--no-save', '--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts']
    const args = [npmScript(), 'install', ...flags, `${name}@${VERSIONS[name]}`]
    await must(`npm install ${name}`, process.execPath, args, { cwd: folder, limit: LIMIT })
  }
  if (binary !== undefined) return [binaryIn(join(folder, 'node_modules'), binary)]
  const { bin: bins } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  return [process.execPath, join(installed, typeof bins === 'string' ? bins : bins[bin])]
}

function binaryIn(folder, pattern) {
  const [scope, rest] = pattern.split('/*/')
  for (const platform of readdirSync(join(folder, scope))) {
    const file = join(folder, scope, platform, rest)
    if (existsSync(file)) return file
  }
  throw new Failure(`there is no ${pattern} for this platform`)
}
