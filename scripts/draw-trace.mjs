// node scripts/draw-trace.mjs [TRACE]: draws docs/trace.svg, of this file, or of the demo, which it runs
// with the files of one package. A picture for the documentation: a viewer of traces shows more.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { main, must, root } from './command.mjs'
import { checkTrace } from './trace-format.mjs'

const [WIDTH, LEFT, RIGHT] = [760, 84, 16]
const [ROW, BAR, TOP] = [34, 24, 44]
const QUEUE = 0
/** Of a letter, about. */
const LETTER = 6.8
/** Runs nearer than this, in pixels, are drawn as one, as much filled as they fill it. */
const NEAR = 1.5

const STYLE = `
.ground { fill: #f7f8fa } text { fill: #1f2a3a } .quiet { fill: #5a6779 } .row { fill: #e9edf3 } .tick { stroke: #d3d9e2 }
.c0 { fill: #9cc1f5 } .c1 { fill: #a3d9b1 } .c2 { fill: #f3bd84 } .c3 { fill: #cbb3ea } .depth { fill: #8a97ab }
.stop { stroke: #c0262d; stroke-width: 2 } .stopped { fill: #c0262d }
@media (prefers-color-scheme: dark) {
.ground { fill: #1b1f27 } text { fill: #e6eaf0 } .quiet { fill: #9aa6b8 } .row { fill: #262c37 } .tick { stroke: #37404e }
.c0 { fill: #2f5f9e } .c1 { fill: #2e7046 } .c2 { fill: #95591c } .c3 { fill: #67499a } .depth { fill: #76839a }
.stop { stroke: #ff7b80 } .stopped { fill: #ff7b80 }
}`

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const round = (number) => Number(number.toFixed(1))
const duration = (us) => (us >= 1e6 ? `${(us / 1e6).toFixed(2)} s` : us >= 1e3 ? `${Math.round(us / 1e3)} ms` : `${us} µs`)

/** A step of 1, 2 or 5 times a power of ten, of which there are at most `most` in `span`. */
function stepOf(span, most) {
  const power = 10 ** Math.floor(Math.log10(span / most))
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => span / step <= most)
}

/** Runs of one track and name that lie near each other, as one. */
function merge(runs, x) {
  const merged = []
  for (const { name, ts, dur } of runs) {
    const last = merged.at(-1)
    if (last?.name === name && x(ts) - x(last.end) < NEAR) {
      Object.assign(last, { end: ts + dur, busy: last.busy + dur, count: last.count + 1 })
    } else merged.push({ name, begin: ts, end: ts + dur, busy: dur, count: 1 })
  }
  return merged
}

/** The most tasks that waited, for each pixel in which that is more than none. */
function depths(events, x) {
  const most = new Map()
  let depth = 0
  let before = LEFT
  for (const { ph, ts } of events.filter(({ cat }) => cat === 'queue')) {
    const now = Math.floor(x(ts))
    if (depth > 0) for (let at = before; at < now; at++) most.set(at, Math.max(most.get(at) ?? 0, depth))
    depth += ph === 'b' ? 1 : -1
    most.set(now, Math.max(most.get(now) ?? 0, depth))
    before = now
  }
  return most
}

/** The queue first, native workers last, and each kind in the order of its numbers. */
function compareTracks({ args: { name: one } }, { args: { name: other } }) {
  const rank = (name) => (name === 'queue' ? 0 : name.startsWith('native') ? 2 : 1)
  return rank(one) - rank(other) || one.localeCompare(other, 'en', { numeric: true })
}

/** A trace as SVG, with a track for the queue and for each worker. */
export function drawTrace({ traceEvents }) {
  const tracks = traceEvents.filter(({ ph, name }) => ph === 'M' && name === 'thread_name').sort(compareTracks)
  const events = traceEvents.filter(({ ph }) => ph !== 'M')
  const begin = events[0]?.ts ?? 0
  const last = events.reduce((latest, { ts, dur = 0 }) => Math.max(latest, ts + dur), begin + 1)
  // Room for what is written behind an interrupt.
  const end = last + (last - begin) * 0.12
  const x = (ts) => LEFT + ((ts - begin) / (end - begin)) * (WIDTH - LEFT - RIGHT)
  const bottom = TOP + tracks.length * ROW
  const height = bottom + 34
  const counts = new Map()
  for (const { ph, name } of events) if (ph === 'X') counts.set(name, (counts.get(name) ?? 0) + 1)
  const kinds = new Map([...counts.keys()].map((name, index) => [name, `c${index % 4}`]))
  const top = new Map(tracks.map(({ tid }, index) => [tid, TOP + index * ROW]))
  const lines = []

  const step = stepOf(end - begin, 8)
  for (let at = 0; at <= last - begin; at += step) {
    const left = round(x(begin + at))
    lines.push(`<path class="tick" d="M${left} ${TOP - 8}V${bottom - 4}"/>`)
    lines.push(`<text class="quiet" x="${left}" y="${TOP - 16}" text-anchor="middle">${at === 0 ? '0' : duration(at)}</text>`)
  }
  for (const { tid, args } of tracks) {
    lines.push(`<rect class="row" x="${LEFT}" y="${top.get(tid)}" width="${WIDTH - LEFT - RIGHT}" height="${BAR}"/>`)
    lines.push(`<text x="${LEFT - 8}" y="${top.get(tid) + 17}" text-anchor="end">${escape(args.name)}</text>`)
  }

  const most = depths(events, x)
  const deepest = Math.max(1, ...most.values())
  const columns = [...most].map(([at, depth]) => {
    const tall = round(Math.max(1, (depth / deepest) * BAR))
    return depth === 0 ? '' : `M${at} ${top.get(QUEUE) + BAR}v-${tall}h1v${tall}z`
  })
  lines.push(`<path class="depth" d="${columns.join('')}"/>`)

  for (const { tid } of tracks) {
    for (const bar of merge(
      events.filter((event) => event.ph === 'X' && event.tid === tid),
      x,
    )) {
      const [left, wide] = [x(bar.begin), Math.max(0.6, x(bar.end) - x(bar.begin))]
      const filled = Math.max(0.6, Math.min(1, bar.busy / Math.max(1, bar.end - bar.begin)))
      const place = `x="${round(left)}" y="${top.get(tid)}" width="${round(wide)}" height="${BAR}"`
      lines.push(`<rect class="${kinds.get(bar.name)}" fill-opacity="${filled.toFixed(2)}" ${place}/>`)
      const many = bar.count > 1 ? `${bar.name} × ${bar.count.toLocaleString('en')}` : `${bar.name}, ${duration(bar.busy)}`
      const text = [many, bar.name].find((label) => label.length * LETTER + 8 < wide)
      if (text !== undefined) lines.push(`<text x="${round(left + 5)}" y="${top.get(tid) + 17}">${escape(text)}</text>`)
    }
  }
  for (const { tid, ts } of events.filter(({ ph }) => ph === 'i')) {
    const [at, y] = [round(x(ts)), top.get(tid)]
    lines.push(`<path class="stop" d="M${at} ${y - 4}v${BAR + 8}"/>`)
    lines.push(`<text class="stopped" x="${at + 5}" y="${y + 17}">interrupt</text>`)
  }

  let left = LEFT
  for (const [name, count] of counts) {
    const text = `${name} × ${count.toLocaleString('en')}`
    lines.push(`<rect class="${kinds.get(name)}" x="${round(left)}" y="${bottom + 6}" width="13" height="13"/>`)
    lines.push(`<text class="quiet" x="${round(left + 19)}" y="${bottom + 17}">${escape(text)}</text>`)
    left += 46 + text.length * LETTER
  }
  const waited = `waiting: at most ${deepest}`
  lines.push(`<rect class="depth" x="${round(left)}" y="${bottom + 6}" width="13" height="13"/>`)
  lines.push(`<text class="quiet" x="${round(left + 19)}" y="${bottom + 17}">${waited}</text>`)
  const font = `font-family="system-ui, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="13"`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" ${font}>
<style>${STYLE}
</style>
<rect class="ground" width="${WIDTH}" height="${height}" rx="14"/>
${lines.join('\n')}
</svg>
`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'demo-'))
    try {
      const [given] = process.argv.slice(2)
      const path = given ?? join(folder, 'trace.json')
      const demo = [join(root, 'examples/demo.mjs'), '--trace', path, join(root, 'node_modules/lodash')]
      if (given === undefined) await must('the demo', process.execPath, demo)
      const trace = JSON.parse(readFileSync(path, 'utf8'))
      checkTrace(trace)
      writeFileSync(join(root, 'docs/trace.svg'), drawTrace(trace))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}
