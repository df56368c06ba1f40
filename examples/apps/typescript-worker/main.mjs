// Runs program.ts on every Node.js: by its own stripping of types where there is that, else by tsx.
//   node examples/apps/typescript-worker/main.mjs
if (!process.features.typescript) (await import('tsx/esm/api')).register()
await import('./program.ts')
