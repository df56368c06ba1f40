// A picture as SVG and, for where that cannot be shown, as PNG, with a font that is the same everywhere.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const font = (name) => fileURLToPath(new URL(`node_modules/dejavu-fonts-ttf/ttf/${name}.ttf`, import.meta.url))
const SCALE = 2

/** Writes `<path>.svg` and `<path>.png`. */
export async function savePicture(path, svg) {
  const { Resvg } = await import('@resvg/resvg-js')
  writeFileSync(`${path}.svg`, svg)
  const fonts = { fontFiles: [font('DejaVuSans'), font('DejaVuSans-Bold')], loadSystemFonts: false, defaultFontFamily: 'DejaVu Sans' }
  writeFileSync(`${path}.png`, new Resvg(svg, { font: fonts, fitTo: { mode: 'zoom', value: SCALE } }).render().asPng())
}
