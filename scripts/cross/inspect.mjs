// What a binary for Linux must be like to load wherever Node does.
import { isNewer } from '../newer.mjs'
import { readElf } from './elf.mjs'
import { BINARY } from '../budgets.mjs'
import { GLIBC, targetOf } from './targets.mjs'

/** The newest version of glibc that symbols are asked of; undefined when of none. */
export function glibcOf({ versions }) {
  const asked = versions.map(({ name }) => /^GLIBC_([\d.]+)$/.exec(name)?.[1]).filter(Boolean)
  return asked.reduce((newest, version) => (newest === undefined || isNewer(version, newest) ? version : newest), undefined)
}

function* faults(binary, { arch, libc, libraries }) {
  if (binary.machine !== arch) yield `it is for ${binary.machine}`
  for (const name of binary.needed) if (!libraries.includes(name)) yield `it needs ${name}`
  for (const { name, library } of binary.versions) {
    const glibc = /^GLIBC_([\d.]+)$/.exec(name)?.[1]
    if (libc === 'musl' || glibc === undefined) yield `it asks ${library} for ${name}`
    else if (isNewer(glibc, GLIBC)) yield `it asks ${library} for glibc ${glibc}, newer than ${GLIBC}`
  }
  if (!binary.isStripped) yield 'it has symbols'
  if (!binary.isBoundNow || !binary.hasRelro) yield 'its table of addresses can be written to'
  if (binary.hasExecutableStack) yield 'it makes the stack executable'
  if (binary.hasTextRelocations) yield 'its code is written to when it is loaded'
  if (binary.size > BINARY) yield `it has ${binary.size} bytes, more than ${BINARY}`
}

/** What is wrong with a binary for a platform of Linux: sentences, none when it may be shipped. */
export function faultsOf(path, platform) {
  return [...faults(readElf(path), targetOf(platform))]
}

/** One line on a binary, for whoever reads the output of a build. */
export function describe(path) {
  const binary = readElf(path)
  const glibc = glibcOf(binary)
  const size = `${binary.size.toLocaleString('en')} bytes of ${BINARY.toLocaleString('en')}`
  return `${size}, ${glibc === undefined ? 'no versions of glibc' : `glibc ${glibc}`}, needs ${binary.needed.join(' ')}`
}
