import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitepress'
import { webAddress } from '../../scripts/pages.mjs'
import { repositoryLinks, slugify } from './links.mjs'
import { writeLlms } from './llms.mjs'
import { folder, groups } from './pages.mjs'

const read = (path) => JSON.parse(readFileSync(join(folder, path), 'utf8'))
const { description, repository, version } = read('../package.json')
const address = webAddress(repository)

const sidebar = groups().map(({ group, pages }) => ({
  text: group,
  collapsed: group === 'How it works',
  items: pages.map(({ name, title }) => ({ text: title.replace(/: .*/, ''), link: `/${name}` })),
}))

/** What TypeDoc has written, if it was run. */
function reference() {
  if (!existsSync(join(folder, 'reference/navigation.json'))) return []
  const item = ({ title, path, children }) => ({
    text: title,
    ...(path && { link: `/reference/${path.replace(/\.md$/, '')}` }),
    ...(children && { items: children.map(item), collapsed: false }),
  })
  return read('reference/navigation.json').map(item)
}
const api = reference()

export default defineConfig({
  title: 'concurrent-futures',
  description,
  lang: 'en',
  cleanUrls: true,
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: '/favicon.svg' }]],
  rewrites: { 'README.md': 'index.md' },
  ignoreDeadLinks: false,
  markdown: {
    anchor: { slugify },
    config: (markdown) => repositoryLinks(markdown, address),
  },
  themeConfig: {
    search: { provider: 'local', options: { detailedView: true } },
    outline: [2, 3],
    nav: [
      { text: 'Start', link: '/getting-started' },
      { text: 'Options', link: '/options' },
      { text: 'Errors', link: '/errors' },
      ...(api.length > 0 ? [{ text: 'Reference', link: '/reference/' }] : []),
      {
        text: version,
        items: [
          { text: 'Stability', link: '/stability' },
          { text: 'Promises', link: '/promises' },
        ],
      },
    ],
    sidebar: { '/reference/': api, '/': sidebar },
    ...(address && { socialLinks: [{ icon: 'github', link: address }] }),
  },
  buildEnd: ({ outDir }) => writeLlms(outDir),
})
