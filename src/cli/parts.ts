import type { ConfigInput } from '../config.js'
import type { Plugin } from '../plugin.js'

/** What the executable brings to the command line. Loaded when a command needs it. */
export interface Parts {
  readonly checks: () => Promise<Plugin>
  readonly demo: () => Promise<Demo>
}

/** An application to try dbdoctor on. */
export interface Demo {
  readonly scenarios: readonly DemoScenario[]
}

export interface DemoScenario {
  readonly name: string
  /** What is wrong in it, in a few words. */
  readonly title: string
  /** Builds the application in an empty folder, and says how to examine it. */
  readonly build: (folder: string) => Promise<ConfigInput>
}
