// All dependencies are bundled, as is done for servers without a node_modules; this one is left out.
export default {
  ssr: {
    noExternal: true,
    external: process.env.BUNDLE_ALL ? [] : ['concurrent-futures'],
  },
  build: {
    ssr: true,
    outDir: 'out',
    rolldownOptions: { input: ['main.mjs', 'tasks.mjs'] },
  },
}
