import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { html } from '../../src/reporters/html.js'
import { inert } from '../../src/values/inert.js'
import { type Browser, type Look, startChromium } from '../support/chromium.js'
import { dbdoctor } from '../support/cli.js'
import { afterwards, testFolder } from '../support/databases.js'
import { reportNamed, reportWith } from '../support/reports.js'

const options = { color: false, width: 80, verbose: false, quiet: false }
let browser: Browser
let folder: string
let files = 0

beforeAll(async () => {
  browser = await startChromium()
  afterwards(() => browser.close())
  folder = await testFolder()
})

/** Opens what a browser would be given. */
async function opened(page: string, look?: Look) {
  const file = join(folder, `${++files}.html`)
  writeFileSync(file, page)
  return browser.open(pathToFileURL(file).href, look)
}

describe('the page of a run', () => {
  let text: string
  beforeAll(async () => {
    const file = join(folder, 'orphans.html')
    await dbdoctor(['demo', 'orphans', '-f', `html=${file}`])
    text = readFileSync(file, 'utf8')
  })

  test('opens alone, without a script or a complaint', async () => {
    const page = await opened(text)
    expect(page.requested).toEqual([expect.stringMatching(/^file:.*\.html$/)])
    expect(page.complaints).toEqual([])
    expect(await page.evaluate('document.scripts.length')).toBe(0)
    expect(await page.evaluate('document.compatMode')).toBe('CSS1Compat')
    expect(text).not.toMatch(/<(link|script|img|iframe|object)\b|url\(|@import|\bon\w+=/i)
  })

  test('says the verdict first, then why, then what was looked at', async () => {
    const page = await opened(text)
    expect(await page.evaluate('document.title')).toBe('demo.db: unhealthy')
    expect(await page.evaluate('[...document.querySelectorAll("h1, h2")].map((each) => each.textContent)')).toEqual([
      'unhealthy',
      'Diagnosis',
      'What was looked at',
      'Schema and rows',
      'Latency',
      'Results',
      'Figures',
    ])
    expect(await page.evaluate('document.querySelector(".causes").innerText.replace(/\\s+/g, " ")')).toMatch(
      /\d+ rows of messages \(44\), .* point at rows of .* that do not exist.*\. Because .*schema: 6 of 6 checks passed.* Next select .* Find out what ran/,
    )
    expect(await page.evaluate('document.querySelector(".check.fail").innerText')).toMatch(
      /"messages": 44 rows point at a row of "chats" that does not exist/,
    )
  })

  test('has drawings that are told in words', async () => {
    const page = await opened(text)
    const titles = await page.evaluate<string[]>(
      '[...document.querySelectorAll("svg")].map((svg) => svg.getAttribute("role") + " " + svg.querySelector(":scope > title").textContent)',
    )
    expect(titles).toContain('img 52 of 52 foreign keys')
    expect(titles).toContainEqual(expect.stringMatching(/^img integrity: .*Every foreign key .*: fail; /))
    expect(titles).toContainEqual(expect.stringMatching(/^img connect: .* ms of 100 ms; p50 .* ms, p95 .* ms, n 5$/))
    // A cell an object, and a mark a check.
    const cells =
      'document.querySelectorAll("svg[role] path.tone[d^=\'M0 0h\']")[0].getAttribute("d").split("M").length - 1'
    expect(await page.evaluate(cells)).toBe(38)
    expect(await page.evaluate('document.querySelectorAll("svg > g").length')).toBe(
      await page.evaluate('document.querySelectorAll("svg > g > title").length'),
    )
  })

  test('is light and dark as the reader likes it, and white on paper', async () => {
    const paper = async (look: Look) =>
      (await opened(text, look)).evaluate<string>('getComputedStyle(document.documentElement).backgroundColor')
    expect(await paper({ scheme: 'light' })).toBe('rgb(251, 250, 247)')
    expect(await paper({ scheme: 'dark' })).toBe('rgb(22, 21, 19)')
    expect(await paper({ scheme: 'dark', media: 'print' })).toBe('rgb(255, 255, 255)')
    expect((await (await opened(text)).print()).subarray(0, 5).toString()).toBe('%PDF-')
  })

  test.each(['light', 'dark'] as const)('can be read: every text stands out from a %s page', async (scheme) => {
    const page = await opened(text, { scheme })
    const faint = await page.evaluate(`(() => {
      const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
      const light = (color) => {
        const [r, g, b] = color.match(/[\\d.]+/g).map(Number).map(channel)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
      }
      const paper = light(getComputedStyle(document.documentElement).backgroundColor)
      const contrast = (ink) => (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)
      return [...document.body.querySelectorAll('h1, h2, h3, p, li, span, dt, td, small, .figure')]
        .filter((each) => contrast(light(getComputedStyle(each).color)) < 4.5)
        .map((each) => each.outerHTML.slice(0, 80))
    })()`)
    expect(faint).toEqual([])
  })

  test.each([320, 400, 1000])('fits %i pixels', async (width) => {
    const wide = await opened(html.render(reportNamed('x'.repeat(300)), options), { width })
    expect(await wide.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
  })
})

test('what could not be looked at is said, and a report without gaps says nothing of any', async () => {
  const heading = 'What could not be looked at'
  const gaps = html.render(reportNamed('orders'), options)
  expect(gaps).toContain(heading)
  expect(gaps).toMatch(/<span class="address">schema\/drift<\/span> unavailable: orders/)
  expect(html.render(reportWith({ id: 'schema/tables', status: 'pass' }), options)).not.toContain(heading)
})

describe('names from a database', () => {
  const elements = 'document.querySelectorAll("*").length'
  let plain: number
  beforeAll(async () => {
    plain = await (await opened(html.render(reportNamed('plain'), options))).evaluate(elements)
  })

  test.each([
    '<script>document.title = "mine"</script>',
    '</title></style><h1>mine</h1>',
    '"><img src="http://127.0.0.1:9/x" onerror="document.title = 1">',
    "' onmouseover='x",
    '<!-- <p',
    ']]><svg><script>',
    '&lt;b&gt; &amp;',
    'x|y `code` $' + '{name}',
    'a\u001b[31mRED',
    '\u202egnp.exe',
    'zero\u200bwidth',
    '\ud800',
  ])('%j is shown, not obeyed', async (name) => {
    const page = await opened(html.render(reportNamed(name), options))
    expect(await page.evaluate(elements)).toBe(plain)
    expect(page.requested).toHaveLength(1)
    expect(await page.evaluate('document.title')).toBe(`${inert(name)}: unhealthy`)
    expect(await page.evaluate('document.querySelector(".headline").textContent')).toBe(inert(name))
    expect(await page.evaluate('document.querySelector(".finding p").textContent')).toBe(inert(name))
  })

  test('of any kind leave the page standing', async () => {
    const names = fc.sample(fc.string({ unit: 'binary' }), 200)
    const page = await opened(html.render(reportNamed('plain'), options))
    const pages = JSON.stringify(names.map((name) => html.render(reportNamed(name || 'x'), options)))
    const counts = `new Set(${pages}.map((page) => new DOMParser().parseFromString(page, 'text/html').querySelectorAll('*').length)).size`
    expect(await page.evaluate(counts)).toBe(1)
  })
})
