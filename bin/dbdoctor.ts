#!/usr/bin/env node
import { main } from '../src/cli/main.js'

await main({
  checks: async () => (await import('../checks/index.js')).default,
  demo: async () => (await import('../fixtures/demo/index.js')).default,
})
