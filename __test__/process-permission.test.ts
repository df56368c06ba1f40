/** What children may do under `permission`, also when their code tries to get around it. */
import { copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import ava from 'ava'
import type { ExecutionContext } from 'ava'
import { ProcessPoolExecutor } from 'concurrent-futures'
import type { ProcessPoolOptions } from 'concurrent-futures'
import { cleanEnd, ended, inChild } from './child.ts'
import { Folder } from './gate.ts'
import { SOON } from './limits.ts'

const flags = process.allowedNodeEnvironmentFlags
const model = ['--permission', '--experimental-permission'].find((flag) => flags.has(flag))
const test = model === undefined ? ava.skip : ava
const withNet = flags.has('--allow-net') ? ava : ava.skip

type Permission = NonNullable<ProcessPoolOptions['permission']>

const root = fileURLToPath(new URL('..', import.meta.url))
const library = new URL('../dist/index.js', import.meta.url).href
const addon = readdirSync(root).find((name) => name.endsWith('.node'))!

/** Tries what `source`, the body of an asynchronous function, does: 'done', or the error's code. */
const attempt = async (source: string, args: object): Promise<string> => {
  const AsyncFunction = (async () => {}).constructor as new (...parts: string[]) => (...args: unknown[]) => unknown
  const get = (name: string): unknown => process.getBuiltinModule(`node:${name}`)
  try {
    const result = await new AsyncFunction('get', ...Object.keys(args), source)(get, ...Object.values(args))
    return typeof result === 'string' ? result : 'done'
  } catch (error) {
    const { code, name, message } = error as { code?: string; name: string; message: string }
    return code ?? `${name}: ${message}`
  }
}

/** What comes of each attempt in a child with these permissions. */
async function tried<K extends string>(permission: Permission, attempts: Record<K, string>, args: object = {}): Promise<Record<K, string>> {
  await using executor = new ProcessPoolExecutor({ maxWorkers: 1, permission, execArgv: [] })
  const results = {} as Record<K, string>
  for (const [name, source] of Object.entries(attempts) as [K, string][]) {
    results[name] = await executor.submit(attempt, source, args).result(SOON)
  }
  return results
}

const DENIED = 'ERR_ACCESS_DENIED'

function folders(t: ExecutionContext): { named: string; other: string; link: string } {
  const folder = new Folder(t)
  const [named, other, link] = [folder.file('named'), folder.file('other'), folder.file('link')]
  for (const path of [named, other]) {
    mkdirSync(path)
    writeFileSync(`${path}/file`, 'text')
  }
  symlinkSync(named, link)
  return { named, other, link }
}

const fsAttempts = {
  readNamed: 'return get("fs").readFileSync(named + "/file", "utf8")',
  readOther: 'get("fs").readFileSync(other + "/file")',
  writeNamed: 'get("fs").writeFileSync(named + "/new", "")',
  writeOther: 'get("fs").writeFileSync(other + "/new", "")',
}

test('a child reads and writes nothing but what is named', async (t) => {
  const paths = folders(t)
  const nothing = { readNamed: DENIED, readOther: DENIED, writeNamed: DENIED, writeOther: DENIED }
  t.deepEqual(await tried({}, fsAttempts, paths), nothing)
  const reads = { ...nothing, readNamed: 'text' }
  t.deepEqual(await tried({ fsRead: [paths.named] }, fsAttempts, paths), reads)
  t.deepEqual(await tried({ fsWrite: [paths.named] }, fsAttempts, paths), { ...nothing, writeNamed: 'done' })
})

test('paths may be repeated, end with a *, lie in one another, and be links', async (t) => {
  const { named, other, link } = folders(t)
  const all = [named, `${named}/`, `${named}/*`, `${named}/file`, named, link, `${link}/*`]
  const reads = { byName: 'return get("fs").readFileSync(path + "/file", "utf8")' }
  t.deepEqual(await tried({ fsRead: all, fsWrite: all }, reads, { path: named }), { byName: 'text' })
  t.deepEqual(await tried({ fsRead: [link] }, reads, { path: link }), { byName: 'text' })
  t.deepEqual(await tried({ fsRead: all }, reads, { path: other }), { byName: DENIED })
})

test('a child imports modules of the folders that are named, and of no others', async (t) => {
  const { named, other } = folders(t)
  for (const path of [named, other]) writeFileSync(`${path}/module.mjs`, 'export default "loaded"')
  const attempts = { load: 'return (await import(url)).default' }
  const load = (folder: string): Promise<{ load: string }> =>
    tried({ fsRead: [named] }, attempts, { url: pathToFileURL(`${folder}/module.mjs`).href })
  t.deepEqual(await load(named), { load: 'loaded' })
  t.deepEqual(await load(other), { load: DENIED })
})

const starts = {
  process: 'return get("child_process").execFileSync(process.execPath, ["-p", "\'ran\'"], { encoding: "utf8" }).trim()',
  worker: `const worker = new (get("worker_threads").Worker)("require('worker_threads').parentPort.postMessage('ran')", { eval: true })
    return await new Promise((resolve, reject) => worker.on("message", resolve).on("error", reject))`,
}

test('a child starts no processes and no threads, unless it may', async (t) => {
  t.deepEqual(await tried({}, starts), { process: DENIED, worker: DENIED })
  t.deepEqual(await tried({ childProcess: true }, starts), { process: 'ran', worker: DENIED })
  t.deepEqual(await tried({ worker: true }, starts), { process: DENIED, worker: 'ran' })
})

withNet('a child uses no network, unless it may', async (t) => {
  const attempts = {
    connect: `const socket = get("net").connect(9, "127.0.0.1")
      return await new Promise((resolve) => socket.on("error", (error) => resolve(error.code)).on("connect", () => resolve("done")))`,
  }
  t.is((await tried({}, attempts)).connect, DENIED)
  t.not((await tried({ net: true }, attempts)).connect, DENIED)
})

const pools = {
  threads: `const { ThreadPoolExecutor } = await import(library)
    return "" + await new ThreadPoolExecutor(1).submit(() => 1).exception().then((error) => error === null ? "ran" : error.name)`,
  processes: `const { ProcessPoolExecutor } = await import(library)
    return "" + await new ProcessPoolExecutor(1).submit(() => "ran")`,
}

test('a child has pools of its own as far as it may start what they are made of', async (t) => {
  const args = { library }
  t.deepEqual(await tried({}, pools, args), { threads: 'BrokenThreadPool', processes: DENIED })
  t.deepEqual(await tried({ worker: true }, pools, args), { threads: 'ran', processes: DENIED })
  const { processes } = await tried({ childProcess: true, fsRead: ['*'] }, pools, args)
  t.is(processes, 'ran')
})

/** How a stranger's code might use this package to do what Node refuses. */
const escapes = {
  plugin: 'const { loadNative } = await import(library); loadNative(copy)',
  poolWithoutPermission: `const { ProcessPoolExecutor } = await import(library)
    try { Object.defineProperty(process, "permission", { value: undefined }) } catch {}
    try { process.permission.has = () => true } catch {}
    return "" + await new ProcessPoolExecutor(1).submit(() => "ran")`,
  poolOfTheAddon: `const binding = get("module").createRequire(index)(index).connect(() => {})
    new Float64Array(binding.header).fill(1)
    binding.createPool("x", "x", ["/bin/sh", ["-c", "exit"], undefined, 0, 0, undefined, -1, false, true])`,
  pluginOfTheAddon: 'get("module").createRequire(index)(index).connect(() => {}).loadPlugin(copy)',
  dlopen: 'process.dlopen({ exports: {} }, copy)',
  requireAddon: 'get("module").createRequire(index)(copy)',
  dlopenAgain: 'delete process.dlopen; Object.defineProperty(process, "dlopen", { value: 1 }); process.dlopen({}, copy)',
  extension: 'get("module")._extensions[".node"]({ exports: {} }, copy)',
  binding: 'process.binding("spawn_sync").spawn({ file: "/bin/sh", args: ["sh"], stdio: [] })',
  linked: 'process._linkedBinding("spawn_sync")',
  execve: 'if (!process.execve) throw Object.assign(new Error(), { code: "ERR_ACCESS_DENIED" }); process.execve("/bin/sh", ["sh"])',
  inspector: 'new (get("inspector").Session)().connect()',
}

test("a stranger's code gets around no permission by way of this package", async (t) => {
  const { named } = folders(t)
  const copy = `${named}/copy.node`
  copyFileSync(`${root}${addon}`, copy)
  const args = { library, copy, index: `${root}index.js` }
  const results = await tried({ fsRead: [named] }, escapes, args)
  const { linked, dlopenAgain, extension, inspector, ...others } = results
  t.deepEqual(others, Object.fromEntries(Object.keys(others).map((name) => [name, DENIED])) as typeof others)
  for (const result of [linked, dlopenAgain, extension]) t.regex(result, /^(ERR_|TypeError|ReferenceError)/)
  t.regex(inspector, /^(ERR_|TypeError)/)
})

test('the package and Node print nothing on behalf of `permission`', async (t) => {
  const end = await inChild(async ({ ProcessPoolExecutor }) => {
    const all = { fsRead: ['*'], fsWrite: ['*'], childProcess: true, worker: true }
    const executor = new ProcessPoolExecutor({ maxWorkers: 1, permission: all })
    const one = await executor.submit(() => new Promise<number>((resolve) => setTimeout(resolve, 20, 1)))
    await executor.shutdown()
    return one
  }, [])
  t.deepEqual(cleanEnd(end), ended(1))
})

/** Flags under which a program can use this package, and its own files. */
const restricted = [`${model}`, '--allow-fs-read=*', '--allow-fs-write=*', '--no-warnings'].concat(
  flags.has('--allow-addons') ? ['--allow-addons'] : [],
)

test('a program under --permission makes no process pool, unless it may start processes', async (t) => {
  const make = async ({ ProcessPoolExecutor }: typeof import('concurrent-futures')): Promise<string[]> => {
    const said: string[] = []
    for (const fake of [false, true]) {
      const { permission } = process as { permission?: { has(scope: string): boolean } }
      if (fake) permission!.has = () => true
      try {
        const executor = new ProcessPoolExecutor(1)
        said.push(await executor.submit(() => 'ran'))
        await executor.shutdown()
      } catch (error) {
        said.push((error as { code: string }).code)
      }
    }
    return said
  }
  t.deepEqual(cleanEnd(await inChild(make, [], { nodeArguments: restricted })), ended([DENIED, DENIED]))
  const nodeArguments = [...restricted, '--allow-child-process']
  t.deepEqual(cleanEnd(await inChild(make, [], { nodeArguments })), ended(['ran', 'ran']))
})
