// What the service computes: ordinary functions in a file of their own, which can also be called directly.
import { randomBytes, scryptSync } from 'node:crypto'

/** A password as it is stored. That takes some 40 ms, on purpose. */
export function hashPassword(password) {
  const salt = randomBytes(16)
  const key = scryptSync(password, salt, 32, { N: 16_384, r: 8, p: 1 })
  return `scrypt$${salt.toString('base64')}$${key.toString('base64')}`
}

const REGIONS = ['north', 'east', 'south', 'west']

/** In place of a database: always the same sales in the same year. */
function* salesOf(year, count) {
  let state = year
  const random = () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31
  for (let id = 1; id <= count; id++) {
    const region = REGIONS[Math.floor(random() * REGIONS.length)]
    yield { id, region, month: Math.floor(random() * 12), cents: Math.round(random() ** 4 * 1e6) }
  }
}

/** @returns {{ region: string, count: number, sum: number, median: number }[]} */
function summary(sales) {
  return REGIONS.map((region) => {
    const cents = sales
      .filter((sale) => sale.region === region)
      .map((sale) => sale.cents)
      .sort((a, b) => a - b)
    const sum = cents.reduce((all, one) => all + one, 0)
    return { region, count: cents.length, sum, median: cents[cents.length >> 1] }
  })
}

function chart(sales) {
  const months = Array.from({ length: 12 }, () => 0)
  for (const { month, cents } of sales) months[month] += cents
  const top = Math.max(...months)
  const bars = months.map((sum, month) => {
    const height = Math.round((sum / top) * 100)
    return `<rect x="${month * 20}" y="${100 - height}" width="16" height="${height}"/>`
  })
  return `<svg viewBox="0 0 240 100" fill="teal">${bars.join('')}</svg>`
}

const money = (cents) => (cents / 100).toFixed(2)
const row = (cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`

/** A page with a year's sales: a chart, sums and medians, and the thousand largest. */
export function renderReport(year, count = 40_000) {
  const sales = [...salesOf(year, count)]
  const regions = summary(sales).map(({ region, count, sum, median }) => row([region, count, money(sum), money(median)]))
  const largest = sales.sort((a, b) => b.cents - a.cents || a.id - b.id).slice(0, 1_000)
  const rows = largest.map(({ id, region, month, cents }) => row([id, region, month + 1, money(cents)]))
  return [
    `<!doctype html><title>Sales of ${year}</title><h1>${count} sales in ${year}</h1>`,
    ...[chart(sales), '<table>', ...regions, '</table><table>', ...rows, '</table>'],
  ].join('\n')
}
