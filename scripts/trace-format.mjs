/**
 * What the format of Chrome's trace events asks for, and its viewers need; throws what is wrong.
 *
 * @param {{ traceEvents: readonly any[] }} file
 */
export function checkTrace({ traceEvents }) {
  const open = new Map()
  const ends = new Map()
  let last = -Infinity
  for (const event of traceEvents) {
    const { ph, name, ts, pid, tid, dur, id, cat } = event
    const wrong = (what) => new Error(`${what}: ${JSON.stringify(event)}`)
    if (typeof name !== 'string' || ![ts, pid, tid].every(Number.isFinite)) throw wrong('a field')
    if (ph === 'M') continue
    if (ts < last) throw wrong('the order')
    last = ts
    if (ph === 'X') {
      if (!(Number.isFinite(dur) && dur >= 0)) throw wrong('the duration')
      // Whole runs of a track are within each other or apart: a viewer cannot show others.
      const own = ends.get(`${pid} ${tid}`) ?? []
      while (own.length > 0 && own.at(-1) <= ts) own.pop()
      const outer = own.at(-1)
      if (outer !== undefined && outer < ts + dur - 0.001) throw wrong('lies across another')
      own.push(ts + dur)
      ends.set(`${pid} ${tid}`, own)
    }
    const key = `${cat} ${id} ${name}`
    if (ph === 'b') {
      if (open.has(key)) throw wrong('twice')
      open.set(key, ts)
    }
    if (ph === 'e' && !open.delete(key)) throw wrong('no beginning')
  }
  if (open.size > 0) throw new Error(`without end: ${[...open.keys()].join()}`)
}
