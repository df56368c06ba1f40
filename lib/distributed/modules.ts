/**
 * The modules of both sides by name. A job says which function it wants as `NAME#KEY`: a host runs only what
 * is in the modules that it was started with, and the native tasks of the package, `native#KEY`.
 */
import { checkObject, moduleTasks, moduleUrl, native, show, submittable, textOf } from '../inner.ts'
import type { Submittable } from '../tasks/functions.ts'

/** The modules, each by a name that is the same on both sides. */
export type Modules = Readonly<Record<string, string | URL>>

/** The name under which native tasks go. */
const NATIVE = 'native'

export class ModuleNames {
  readonly #urls: Map<string, string> = new Map()
  readonly #names: Map<string, string> = new Map()

  /** @throws TypeError for what is no object of absolute URLs, and for names that no job could have */
  constructor(modules: unknown) {
    const given = checkObject(modules, 'modules') as Record<string, unknown>
    for (const name of Object.keys(given)) {
      if (name === '' || name.includes('#')) {
        throw new TypeError(`the name of a module must be a word without '#', got ${show(name)}`)
      }
      if (name === NATIVE) throw new TypeError(`the name '${NATIVE}' is that of the native tasks`)
      const url = moduleUrl(given[name])
      this.#urls.set(name, url)
      if (!this.#names.has(url)) this.#names.set(url, name)
    }
  }

  /** What a job is called that runs this. @throws TypeError for what no host could find */
  jobName(fn: unknown): string {
    const task = submittable(fn)
    if (task.isNative) {
      if (Object.hasOwn(native, task.name)) return `${NATIVE}#${task.name}`
      throw new TypeError(`the native task ${task.name} is of a plug-in, and stays on this machine`)
    }
    const text = textOf(task.number)
    if (!('module' in text)) {
      throw new TypeError(
        `${task.name === '' ? 'a function' : `the function ${task.name}`} of no module cannot go to ` +
          'another machine: make it a task of a module by tasks() or moduleTasks(), and name that in modules',
      )
    }
    const name = this.#names.get(text.module)
    if (name === undefined) {
      throw new TypeError(`the module ${text.module} of ${text.key} has no name: add it to modules`)
    }
    return `${name}#${text.key}`
  }

  /** What a job's name means here. @throws TypeError that names what is missing */
  find(jobName: string): Submittable {
    const at = jobName.indexOf('#')
    const [name, key] = [jobName.slice(0, at), jobName.slice(at + 1)]
    if (at < 1 || key === '') {
      throw new TypeError(`the job ${show(jobName)} names no function: its name must be MODULE#KEY`)
    }
    if (name === NATIVE) {
      if (Object.hasOwn(native, key)) return submittable(native[key as keyof typeof native])
      throw new TypeError(`there is no native task ${show(key)} here`)
    }
    const url = this.#urls.get(name)
    if (url === undefined) {
      const known = [...this.#urls.keys()].join(', ')
      throw new TypeError(
        `the host has no module ${show(name)} for the job ${show(jobName)}; it has ${known}`,
      )
    }
    return submittable(moduleTasks(url)[key])
  }
}
