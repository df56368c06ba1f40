// A registry on this machine: verdaccio, which comes from npm when it is needed, for it is large.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tool } from './install/tools.mjs'
import { startServer } from './server.mjs'

const configuration = (upstream) => `
storage: ./storage
auth: { htpasswd: { file: ./htpasswd } }
${upstream === undefined ? '' : `uplinks: { npm: { url: '${upstream}', timeout: 60s, maxage: 60m } }`}
packages:
  concurrent-futures: { access: $all, publish: $all }
  '@concurrent-futures/*': { access: $all, publish: $all }
${upstream === undefined ? '' : "  '**': { access: $all, proxy: npm }"}
publish: { allow_offline: true }
max_body_size: 200mb
web: { enable: false }
log: { type: stdout, format: json, level: warn }
`

/**
 * Starts an empty one in a new folder of `scratch`; it ends with this process at the latest.
 *
 * @param upstream - a registry that is asked for all packages but ours; default: there are no others
 * @returns {Promise<{ folder: string, url: string, npmrc: string, stop: () => void }>} `npmrc` is a file that
 *   npm is to use
 */
export async function startRegistry(scratch, { upstream } = {}) {
  const folder = join(scratch, 'registry')
  mkdirSync(folder)
  const file = join(folder, 'config.yaml')
  writeFileSync(file, configuration(upstream))
  const [node, script] = await tool(scratch, 'verdaccio')
  const command = (port) => [node, script, '--config', file, '--listen', `127.0.0.1:${port}`]
  const { url, stop } = await startServer(command, { cwd: folder, path: '-/ping' })
  const npmrc = join(folder, 'npmrc')
  writeFileSync(npmrc, `registry=${url}\n${url.slice('http:'.length)}:_authToken=none\n`)
  return { folder, url, npmrc, stop }
}
