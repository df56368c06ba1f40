// node scripts/test-packed.mjs: the tests in TypeScript, of what was packed. The tarballs of artifacts/ are
// put where a build puts its files; nothing is built here. The last line adds the tests up.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { main, must, npmScript, root } from './command.mjs'
import { fileOf, manifestOf, ownPlatform, tarballOf } from './platforms.mjs'
import { step } from './step.mjs'
import { suites, title } from './suites.mjs'

async function unpack() {
  const platform = ownPlatform()
  const binding = manifestOf(`npm/${platform}`)
  const folder = mkdtempSync(join(tmpdir(), 'concurrent-futures-'))
  try {
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
    const tarballs = [tarballOf(manifestOf('.')), tarballOf(binding)]
    // What is packed for all platforms asks for all of them, which no registry has yet.
    const flags = ['--offline', '--omit=optional', '--no-audit', '--no-fund']
    await must('npm install', process.execPath, [npmScript(), 'install', ...flags, ...tarballs], { cwd: folder })
    const modules = join(folder, 'node_modules')
    rmSync(join(root, 'dist'), { recursive: true, force: true })
    for (const path of ['dist', 'index.js', 'index.d.ts']) {
      cpSync(join(modules, 'concurrent-futures', path), join(root, path), { recursive: true })
    }
    cpSync(join(modules, binding.name, fileOf(platform)), join(root, fileOf(platform)))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

await main(async () => {
  await step('put what was packed in its place', unpack)
  const { passed, failed, details } = await step(title('ava'), suites.ava, ({ passed }) => `${title('ava')}: ${passed} passed`)
  if (failed > 0) console.log(details)
  console.log(`\n${passed} passed, ${failed} failed`)
  if (failed > 0) process.exitCode = 1
})
