// Folders with what Debian's packages hold, for any processor and without Debian's tools.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, must } from '../command.mjs'
import { CACHE } from './tools.mjs'

const MIRROR = process.env.DEBIAN_MIRROR ?? 'https://deb.debian.org/debian'
const AR_MAGIC = '!<arch>\n'
const AR_HEAD = 60

async function get(path) {
  const response = await fetch(`${MIRROR}/${path}`)
  if (!response.ok) throw new Failure(`${response.url} answers ${response.status}`)
  return Buffer.from(await response.arrayBuffer())
}

const indexes = new Map()

/** What the suite says of its packages, by name: each may be there in several versions. */
async function indexOf(suite, architecture) {
  const path = `dists/${suite}/main/binary-${architecture}/Packages.xz`
  let index = indexes.get(path)
  if (index !== undefined) return index
  index = new Map()
  mkdirSync(CACHE, { recursive: true })
  const file = join(CACHE, `Packages-${suite}-${architecture}.xz`)
  writeFileSync(file, await get(path))
  // Not every suite has it in a form that Node.js can read itself; tar needs xz for the packages anyway.
  const { stdout } = await must('xz', 'xz', ['-dc', file])
  rmSync(file)
  for (const paragraph of stdout.split('\n\n')) {
    const fields = Object.fromEntries(
      [...paragraph.matchAll(/^(Package|Version|Filename|SHA256): (.*)$/gm)].map(([, key, value]) => [key, value]),
    )
    index.set(fields.Package, [...(index.get(fields.Package) ?? []), fields])
  }
  indexes.set(path, index)
  return index
}

/** @param wanted - a name, or `name=` and what the version begins with */
async function find(suite, architecture, wanted) {
  const [name, version = ''] = wanted.split('=')
  const versions = (await indexOf(suite, architecture)).get(name) ?? []
  return versions.findLast(({ Version }) => Version.startsWith(version))
}

async function download(suite, architecture, wanted) {
  const found = await find(suite, architecture, wanted)
  if (found === undefined) throw new Failure(`Debian ${suite} has no ${wanted} for ${architecture}`)
  const { Filename, SHA256 } = found
  const bytes = await get(Filename)
  const digest = createHash('sha256').update(bytes).digest('hex')
  if (digest !== SHA256) throw new Failure(`${Filename} is not what the index says: ${digest} instead of ${SHA256}`)
  return bytes
}

/** The member of a package that holds its files: data.tar with some suffix. */
function filesOf(deb) {
  for (let at = AR_MAGIC.length; at < deb.length;) {
    const name = deb.toString('latin1', at, at + 16).trim()
    const size = Number(deb.toString('latin1', at + 48, at + 58))
    at += AR_HEAD
    if (name.startsWith('data.tar')) return { name, bytes: deb.subarray(at, at + size) }
    at += size + (size % 2)
  }
  throw new Failure('a package of Debian holds no files')
}

/** The first of these suites that has a package; undefined if none has it. */
export async function suiteWith(suites, architecture, wanted) {
  for (const suite of suites) if ((await find(suite, architecture, wanted)) !== undefined) return suite
}

/**
 * A folder with the files of packages of one suite; what was fetched before is used again.
 *
 * @param packages - names, or `name=` and what the version begins with
 * @param only - the paths that are wanted; default all
 */
export async function debianFolder(suite, architecture, packages, only = []) {
  const folder = join(CACHE, 'debian', `${suite}-${architecture}-${packages.join('+')}`)
  const done = join(folder, '.packages')
  if (existsSync(done)) return folder
  const fresh = `${folder}.new`
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, { recursive: true })
  for (const name of packages) {
    const { name: file, bytes } = filesOf(await download(suite, architecture, name))
    const tar = join(fresh, file)
    writeFileSync(tar, bytes)
    await must(`tar ${name}`, 'tar', ['-xf', tar, '-C', fresh, '--no-same-owner', ...only.map((path) => `./${path}`)])
    rmSync(tar)
  }
  writeFileSync(join(fresh, '.packages'), `${packages.join('\n')}\n`)
  rmSync(folder, { recursive: true, force: true })
  renameSync(fresh, folder)
  return folder
}
