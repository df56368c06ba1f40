// What the loader will ask of a shared library for Linux: read from the file itself, since objdump and
// readelf are not on every machine. 64 bits, least significant byte first: x64 and arm64.
import { readFileSync } from 'node:fs'
import { Failure } from '../command.mjs'

/** The processors of the platforms, by the number in an ELF header. */
export const MACHINES = { 62: 'x64', 183: 'arm64' }
/** Types of program headers, and of entries of the dynamic section. */
const PT = { LOAD: 1, DYNAMIC: 2, GNU_STACK: 0x6474e551, GNU_RELRO: 0x6474e552 }
const DT = { NEEDED: 1, STRTAB: 5, TEXTREL: 22, FLAGS: 30, FLAGS_1: 0x6ffffffb, VERNEED: 0x6ffffffe, VERNEEDNUM: 0x6fffffff }
const EXECUTABLE = 1
const DF_TEXTREL = 4
const DF_BIND_NOW = 8
const DF_1_NOW = 1
const SHT_SYMTAB = 2

class Image {
  constructor(path) {
    this.bytes = readFileSync(path)
    const isElf = this.bytes.length > 64 && this.bytes.readUInt32BE(0) === 0x7f454c46
    if (!isElf || this.bytes[4] !== 2 || this.bytes[5] !== 1) throw new Failure(`${path} is no 64-bit ELF file`)
    this.machine = MACHINES[this.u16(18)]
    this.segments = this.#table(this.number(32), this.u16(54), this.u16(56), (at) => ({
      type: this.u32(at),
      flags: this.u32(at + 4),
      offset: this.number(at + 8),
      address: this.number(at + 16),
      size: this.number(at + 32),
    }))
    this.sections = this.#table(this.number(40), this.u16(58), this.u16(60), (at) => ({ type: this.u32(at + 4) }))
  }

  u16 = (at) => this.bytes.readUInt16LE(at)
  u32 = (at) => this.bytes.readUInt32LE(at)
  number = (at) => Number(this.bytes.readBigUInt64LE(at))

  #table(start, size, count, read) {
    return Array.from({ length: count }, (_, index) => read(start + index * size))
  }

  segment(type) {
    return this.segments.find((segment) => segment.type === type)
  }

  /** Where in the file lies what is loaded at an address. */
  offsetOf(address) {
    const holds = (segment) => segment.type === PT.LOAD && address >= segment.address && address < segment.address + segment.size
    const { address: start, offset } = this.segments.find(holds)
    return address - start + offset
  }

  text(at) {
    return this.bytes.toString('latin1', at, this.bytes.indexOf(0, at))
  }
}

/** The entries of the dynamic section, by type: each may come several times. */
function dynamicOf(image) {
  const { offset, size } = image.segment(PT.DYNAMIC)
  const found = new Map()
  for (let at = offset; at < offset + size; at += 16) {
    const type = image.number(at)
    if (type === 0) break
    found.set(type, [...(found.get(type) ?? []), image.number(at + 8)])
  }
  return found
}

/** The versions of symbols that each library must have: .gnu.version_r. */
function versionsOf(image, dynamic, strings) {
  const versions = []
  const [start] = dynamic.get(DT.VERNEED) ?? []
  if (start === undefined) return versions
  let library = image.offsetOf(start)
  for (let left = dynamic.get(DT.VERNEEDNUM)[0]; left > 0; left--) {
    let version = library + image.u32(library + 8)
    for (let more = image.u16(library + 2); more > 0; more--) {
      versions.push({ library: image.text(strings + image.u32(library + 4)), name: image.text(strings + image.u32(version + 8)) })
      version += image.u32(version + 12)
    }
    library += image.u32(library + 12)
  }
  return versions
}

/**
 * @returns `size` in bytes; `machine` as in process.arch; `needed`, the libraries by name; `versions`, of
 *   their symbols; and whether it is stripped, has its addresses fixed up at once and then made read-only,
 *   has an executable stack, or must have its code written to
 */
export function readElf(path) {
  const image = new Image(path)
  const dynamic = dynamicOf(image)
  const strings = image.offsetOf(dynamic.get(DT.STRTAB)[0])
  const [flags = 0] = dynamic.get(DT.FLAGS) ?? []
  const [flags1 = 0] = dynamic.get(DT.FLAGS_1) ?? []
  const stack = image.segment(PT.GNU_STACK)
  return {
    size: image.bytes.length,
    machine: image.machine,
    needed: (dynamic.get(DT.NEEDED) ?? []).map((at) => image.text(strings + at)),
    versions: versionsOf(image, dynamic, strings),
    isStripped: image.sections.every(({ type }) => type !== SHT_SYMTAB),
    isBoundNow: (flags & DF_BIND_NOW) !== 0 || (flags1 & DF_1_NOW) !== 0,
    hasRelro: image.segment(PT.GNU_RELRO) !== undefined,
    hasExecutableStack: stack === undefined || (stack.flags & EXECUTABLE) !== 0,
    hasTextRelocations: dynamic.has(DT.TEXTREL) || (flags & DF_TEXTREL) !== 0,
  }
}
