import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import chromium from '@sparticuz/chromium'

/** A page in a real browser, without a window. */
interface Page {
  /** What an expression comes to, there. */
  evaluate<Value>(expression: string): Promise<Value>
  /** Everything that the page asked for, itself included. */
  readonly requested: readonly string[]
  /** What its console and its scripts complained of. */
  readonly complaints: readonly string[]
  /** A PNG of the whole page, or of a part of its height. */
  screenshot(part?: { readonly y: number; readonly height: number }): Promise<Buffer>
  /** A PDF, as a printer would get it. */
  print(): Promise<Buffer>
}

/** How somebody looks at a page. */
export interface Look {
  readonly scheme?: 'light' | 'dark'
  readonly media?: 'screen' | 'print'
  readonly width?: number
}

export interface Browser {
  open(url: string, look?: Look): Promise<Page>
  close(): Promise<void>
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly sessionId?: string
  readonly params?: {
    readonly request?: { readonly url: string }
    readonly entry?: { readonly text: string }
    readonly exceptionDetails?: { readonly text: string }
  }
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

/**
 * Starts Chromium: that of DBDOCTOR_TEST_CHROMIUM, else the one that comes as an npm package. It is spoken to by a pipe, since the
 * package's build has no `--dump-dom`. https://chromedevtools.github.io/devtools-protocol/
 */
export async function startChromium(): Promise<Browser> {
  const path = process.env.DBDOCTOR_TEST_CHROMIUM ?? (await chromium.executablePath())
  const profile = await mkdtemp(join(tmpdir(), 'dbdoctor-chromium-'))
  const flags = ['--headless', '--no-sandbox', '--no-zygote', '--disable-gpu', `--user-data-dir=${profile}`]
  const child = spawn(path, [...flags, '--remote-debugging-pipe'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  })
  const [, , , input, output] = child.stdio as unknown as [null, null, null, Writable, Readable]
  const waiting = new Map<number, (message: Message) => void>()
  const listeners = new Set<(message: Message) => void>()
  const gone = once(child, 'exit')
  let received = ''
  let calls = 0

  output.setEncoding('utf8').on('data', (chunk: string) => {
    const messages = (received + chunk).split('\0')
    received = messages.pop() ?? ''
    for (const text of messages) {
      const message = JSON.parse(text) as Message
      if (message.id === undefined) for (const listener of listeners) listener(message)
      else waiting.get(message.id)?.(message)
    }
  })

  const call = async (method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> => {
    const id = ++calls
    const answered = new Promise<Message>((resolve) => waiting.set(id, resolve))
    input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    const { result, error } = await answered
    if (error) throw new Error(`${method}: ${error.message}`)
    return result ?? {}
  }

  return {
    async open(url, { scheme = 'light', media = 'screen', width = 1000 } = {}) {
      const { targetId } = await call('Target.createTarget', { url: 'about:blank' })
      const { sessionId } = (await call('Target.attachToTarget', { targetId, flatten: true })) as { sessionId: string }
      const tell = (method: string, params?: object) => call(method, params, sessionId)
      const requested: string[] = []
      const complaints: string[] = []
      const loaded = new Promise<void>((resolve) => {
        listeners.add(({ method, params: { request, entry, exceptionDetails } = {}, sessionId: own }) => {
          if (own !== sessionId) return
          if (method === 'Page.loadEventFired') resolve()
          if (method === 'Network.requestWillBeSent' && request) requested.push(request.url)
          const complaint = entry ?? exceptionDetails
          if (complaint) complaints.push(complaint.text)
        })
      })
      for (const domain of ['Page', 'Network', 'Log', 'Runtime']) await tell(`${domain}.enable`)
      await tell('Emulation.setEmulatedMedia', {
        media,
        features: [{ name: 'prefers-color-scheme', value: scheme }],
      })
      await tell('Emulation.setDeviceMetricsOverride', { width, height: 800, deviceScaleFactor: 1, mobile: false })
      await tell('Page.navigate', { url })
      await loaded
      return {
        requested,
        complaints,
        async evaluate<Value>(expression: string) {
          const answer = await tell('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true })
          const { result, exceptionDetails } = answer as {
            result: { value: Value }
            exceptionDetails?: { text: string }
          }
          if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.text}`)
          return result.value
        },
        async screenshot(part) {
          const { cssContentSize } = await tell('Page.getLayoutMetrics')
          const clip = { ...(cssContentSize as object), ...part, scale: 1 }
          const { data } = await tell('Page.captureScreenshot', { captureBeyondViewport: true, clip })
          return Buffer.from(String(data), 'base64')
        },
        async print() {
          const { data } = await tell('Page.printToPDF', { preferCSSPageSize: true })
          return Buffer.from(String(data), 'base64')
        },
      }
    },

    async close() {
      if (child.exitCode === null) child.kill('SIGKILL')
      await gone
      await rm(profile, { recursive: true, force: true })
    },
  }
}
