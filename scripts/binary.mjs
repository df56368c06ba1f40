// Which platform a binary is for, as the file itself says: an addon that lies under another platform's name
// must not be packed.
import { readFileSync } from 'node:fs'
import { Failure } from './command.mjs'
import { MACHINES } from './cross/elf.mjs'

const MACH_O = { 0x01000007: 'x64', 0x0100000c: 'arm64' }
const PE = { 0x8664: 'x64', 0xaa64: 'arm64' }

/** The first bytes of the three formats, each for 64 bits and the lowest byte first. */
const ELF_START = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1])
const MACH_O_START = Buffer.from([0xcf, 0xfa, 0xed, 0xfe])
const PE_START = Buffer.from('MZ')

const ELF_LIBRARY = 3
const MACH_O_LIBRARIES = [6, 8]
const PE_LIBRARY = 0x2000

const startsWith = (bytes, start) => bytes.subarray(0, start.length).equals(start)

/** Of the two libraries for C, glibc is the one with a number. */
function elf(bytes) {
  if (bytes.readUInt16LE(16) !== ELF_LIBRARY) return undefined
  return `linux-${MACHINES[bytes.readUInt16LE(18)]}-${bytes.includes('\0libc.so.6\0') ? 'gnu' : 'musl'}`
}

function machO(bytes) {
  if (!MACH_O_LIBRARIES.includes(bytes.readUInt32LE(12))) return undefined
  return `darwin-${MACH_O[bytes.readUInt32LE(4)]}`
}

/** Microsoft's linker signs with its tools' versions, in front of the header; no other does. */
function pe(bytes) {
  const header = bytes.readUInt32LE(0x3c)
  if (bytes.toString('latin1', header, header + 4) !== 'PE\0\0') return undefined
  if ((bytes.readUInt16LE(header + 22) & PE_LIBRARY) === 0) return undefined
  return `win32-${PE[bytes.readUInt16LE(header + 4)]}-${bytes.subarray(0, header).includes('Rich') ? 'msvc' : 'gnu'}`
}

/** The platform of a shared library, named as the folders of npm/ are, or undefined if it is none. */
export function platformOf(bytes) {
  try {
    if (startsWith(bytes, ELF_START)) return elf(bytes)
    if (startsWith(bytes, MACH_O_START)) return machO(bytes)
    if (startsWith(bytes, PE_START)) return pe(bytes)
  } catch (error) {
    // A file that ends within its header.
    if (error.code !== 'ERR_OUT_OF_RANGE' && error.code !== 'ERR_BUFFER_OUT_OF_BOUNDS') throw error
  }
  return undefined
}

/** @throws {Failure} if the file is not a shared library for the platform that it is packed for */
export function checkBinary(path, platform) {
  const bytes = readFileSync(path)
  const found = platformOf(bytes)
  if (found !== platform) throw new Failure(`${path} is ${found === undefined ? 'no addon' : `for ${found}`}, and not for ${platform}`)
  // Windows itself does not have it.
  if (bytes.includes('VCRUNTIME140')) throw new Failure(`${path} needs Microsoft's redistributable: link its C runtime statically`)
}
