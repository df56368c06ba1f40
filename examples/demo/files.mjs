// The files of a folder: first their names and sizes, then their contents, one at a time as somebody asks for
// them.
import { opendir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** A file is read whole, so that a huge one would fill the memory. */
const LARGEST = 512 * 1024 * 1024

/**
 * @returns every regular file below `folder` with its size, without those in folders named in `except`; links
 * are not followed
 */
export async function listFiles(folder, except) {
  const files = []
  const omitted = []
  const waiting = [folder]
  while (waiting.length > 0) {
    const here = waiting.pop()
    let entries
    try {
      entries = await opendir(here)
    } catch (error) {
      omitted.push(`${here}: ${error.code}`)
      continue
    }
    for await (const entry of entries) {
      const path = join(here, entry.name)
      if (entry.isDirectory() && !except.includes(entry.name)) waiting.push(path)
      else if (entry.isFile()) await addFile(path, files, omitted)
    }
  }
  return { files, omitted }
}

async function addFile(path, files, omitted) {
  try {
    const { size } = await stat(path)
    if (size > LARGEST) omitted.push(`${path}: over 512 MiB`)
    else files.push({ path, size })
  } catch (error) {
    omitted.push(`${path}: ${error.code}`)
  }
}

/**
 * The contents of the files. A file that cannot be read is left out, and `onSkip` called; `onRead` is for
 * each that was.
 */
export async function* contents(files, onRead, onSkip) {
  for (const file of files) {
    let bytes
    try {
      bytes = await readFile(file.path)
    } catch (error) {
      onSkip(`${file.path}: ${error.code}`)
      continue
    }
    onRead({ ...file, size: bytes.length })
    yield bytes
  }
}
