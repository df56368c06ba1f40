/**
 * Stacks that were read from a running thread name places in the scripts as they run. Where Node maps the
 * stacks of errors back to the sources (`--enable-source-maps`), these are mapped too. Node keeps the maps of
 * a script in the thread that has loaded it, and that thread spins; so what this thread does not have is read
 * from the script's file.
 */
import { readFileSync } from 'node:fs'
import type { SourceMap, SourceMapPayload } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseJson } from '../host/json.ts'
import { URL } from '../host/url.ts'

/**
 * A line as the addon writes it (frames.rs): `    at name (script:line:column)`, or without a name and
 * parentheses.
 */
const FRAME = /^( {4}at (?:.* \()?)(\S.*):(\d+):(\d+)(\)?)$/

/** The last of a script wins, as in Node. */
const COMMENT = /^\/\/[#@] sourceMappingURL=(\S+)\s*$/gm

/** Read once each; so many are kept. */
const MOST_MAPS = 100
const maps: Map<string, SourceMap | undefined> = new Map()

/** A stack with its places mapped, where that is asked for and they have maps. */
export function mapStack(stack: string): string {
  if (!process.sourceMapsEnabled) return stack
  return stack.split('\n').map(mapFrame).join('\n')
}

function mapFrame(text: string): string {
  const [, before, script, line, column, after] = FRAME.exec(text) ?? []
  if (script === undefined || script.startsWith('node:')) return text
  const entry = mapOf(script)?.findEntry(Number(line) - 1, Number(column) - 1)
  if (entry === undefined || !('originalSource' in entry) || !entry.originalSource) return text
  return `${before}${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}${after}`
}

function mapOf(script: string): SourceMap | undefined {
  const known = process.getBuiltinModule('node:module').findSourceMap?.(script)
  if (known !== undefined) return known
  if (maps.has(script)) return maps.get(script)
  if (maps.size >= MOST_MAPS) maps.clear()
  const map = readMap(script)
  maps.set(script, map)
  return map
}

/** The map that a script's last comment names; undefined where there is none, or it cannot be read. */
function readMap(script: string): SourceMap | undefined {
  try {
    const file = script.startsWith('file:') ? script : pathToFileURL(script).href
    const comments = [...readFileSync(fileURLToPath(file), 'utf8').matchAll(COMMENT)]
    const name = comments.at(-1)?.[1]
    if (name === undefined) return undefined
    const url = new URL(name, file)
    const payload = parseJson(
      url.protocol === 'data:' ? dataOf(url) : readFileSync(url, 'utf8'),
    ) as SourceMapPayload
    // `sources` are relative to the map.
    const base = url.protocol === 'data:' ? file : url.href
    const sources = payload.sources.map((source) => new URL((payload.sourceRoot ?? '') + source, base).href)
    const { SourceMap } = process.getBuiltinModule('node:module')
    return new SourceMap({ ...payload, sources, sourceRoot: '' })
  } catch {
    return undefined
  }
}

function dataOf(url: URL): string {
  const comma = url.pathname.indexOf(',')
  const data = url.pathname.slice(comma + 1)
  return url.pathname.slice(0, comma).endsWith(';base64')
    ? Buffer.from(data, 'base64').toString()
    : decodeURIComponent(data)
}
