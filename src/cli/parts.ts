import type { ConfigInput } from '../config/config.js'
import type { Plugin } from '../contracts/plugin.js'

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
  /** The diagnosis that it must come to, first. */
  readonly cause: string
  /** What has to be installed for it; nothing but dbdoctor where it is not said. */
  readonly needs?: {
    readonly what: string
    readonly there: () => boolean
    /** How to get it. */
    readonly way: string
  }
  /** Builds the application in an empty folder, starts its server, and says how to examine both. */
  readonly start: (folder: string) => Promise<Staged>
}

/** A demo that is up. */
export interface Staged {
  readonly config: ConfigInput
  /** How its server is started and its test user made, for whoever mends it: commands and their arguments. */
  readonly services: { readonly start: readonly string[]; readonly reset: readonly string[] }
  /** Ends what was started. */
  readonly stop: () => Promise<void>
}
