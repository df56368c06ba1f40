// Line charts of the scaling suites: what a task costs as something grows, both axes logarithmic. A line
// that is flat is work that grows with the number of tasks and no faster.
import { escape, pictureFooter } from './bars.mjs'
import { ours } from './contestants.mjs'
import { formatNumber } from './report.mjs'

const [WIDTH, HEIGHT] = [720, 380]
const AREA = { left: 70, right: 560, top: 60, bottom: 310 }
const COLOURS = ['#c2410c', '#475569', '#0f766e', '#7c3aed']

/** Round numbers that all values lie between: powers of ten, and 2 and 5 times those where that is enough. */
function ticksFor(values) {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const steps = most / least > 200 ? [1] : [1, 2, 5]
  const ticks = []
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power++) {
    for (const step of steps) ticks.push(Number((step * 10 ** power).toPrecision(1)))
  }
  const from = ticks.findLastIndex((tick) => tick <= least)
  const to = ticks.findIndex((tick) => tick >= most)
  return ticks.slice(from, Math.max(to, from + 1) + 1)
}

const short = (value) => (value >= 1e6 ? `${value / 1e6} M` : value >= 1e4 ? `${value / 1e3} k` : String(value))

/** Zero has no logarithm: it stands one step in front of the others. */
function placesOf(points) {
  const shown = points.map((point, i) => (point === 0 ? Math.log10(points[i + 1]) - 1 : Math.log10(point)))
  const [first, last] = [shown[0], shown.at(-1)]
  return shown.map((value) => AREA.left + ((value - first) / (last - first || 1)) * (AREA.right - AREA.left))
}

const text = (x, y, content, more = '') => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escape(content)}</text>`

/** The picture of a report with `series`: { x: { label, points }, values: [{ key, label, unit }] }. */
export function drawSeries(report) {
  const { x, values } = report.series
  const medians = report.contestants[ours] ?? {}
  const lines = values
    .map((value) => ({ ...value, points: x.points.map((point) => medians[`${value.key}-${point}`]?.median) }))
    .filter(({ points }) => points.some((point) => point > 0))
  const ticks = ticksFor(lines.flatMap(({ points }) => points.filter((point) => point > 0)))
  const [low, high] = [Math.log10(ticks[0]), Math.log10(ticks.at(-1))]
  const height = (value) => AREA.bottom - ((Math.log10(value) - low) / (high - low)) * (AREA.bottom - AREA.top)
  const places = placesOf(x.points)
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" ` +
      `role="img" aria-label="${escape(report.title)}" font-family="system-ui, sans-serif" font-size="12" fill="#1c1c1c">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(16, 24, report.title, 'font-size="16" font-weight="600"'),
    text(16, 43, 'both axes logarithmic; lower is better', 'fill="#666666"'),
    ...grid(ticks, height),
    ...x.points.map((point, i) => text(places[i], AREA.bottom + 20, short(point), 'text-anchor="middle" fill="#666666"')),
    text((AREA.left + AREA.right) / 2, AREA.bottom + 40, x.label, 'text-anchor="middle" fill="#666666"'),
    ...lines.flatMap((line, i) => drawLine(line, COLOURS[i % COLOURS.length], places, height)),
    ...labels(lines, height),
    text(16, HEIGHT - 10, pictureFooter(report), 'font-size="11" fill="#666666"'),
    '</svg>',
    '',
  ]
  return out.join('\n')
}

function grid(ticks, height) {
  return ticks.flatMap((tick) => {
    const y = height(tick)
    return [
      `<line x1="${AREA.left}" x2="${AREA.right}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}" stroke="#e5e7eb"/>`,
      text(AREA.left - 8, y + 4, short(tick), 'text-anchor="end" fill="#666666"'),
    ]
  })
}

function drawLine({ points }, colour, places, height) {
  const drawn = points.map((point, i) => (point > 0 ? [places[i], height(point)] : undefined)).filter(Boolean)
  const path = drawn.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(' ')
  return [
    `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...drawn.map(([px, py]) => `<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="3" fill="${colour}"/>`),
  ]
}

/** Beside the end of each line, moved apart where two would lie on each other. */
function labels(lines, height) {
  const wanted = lines.map((line, i) => {
    const last = line.points.findLast((point) => point > 0)
    return { y: height(last), colour: COLOURS[i % COLOURS.length], label: line.label, value: `${formatNumber(last)} ${line.unit}` }
  })
  wanted.sort((a, b) => a.y - b.y)
  wanted.forEach((one, i) => {
    if (i > 0) one.y = Math.max(one.y, wanted[i - 1].y + 34)
  })
  return wanted.flatMap(({ y, colour, label, value }) => [
    text(AREA.right + 10, y, label, `fill="${colour}" font-weight="600"`),
    text(AREA.right + 10, y + 15, value, 'fill="#666666"'),
  ])
}
