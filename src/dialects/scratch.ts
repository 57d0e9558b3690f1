/** A database that was made to be thrown away. */
export interface Scratch {
  /** As a user would write it. */
  readonly target: string
  /** Runs statements on it, as its owner. */
  execute(statements: string): Promise<void>
  /** Another one like it. */
  copy(): Promise<Scratch>
  /** Removes it. */
  remove(): Promise<void>
}
