/** The look of the page: paper and ink, one column, colour for what a check came to and for nothing else. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --ink: #1e1c19; --soft: #6a655c; --rule: #e3dfd6; --wash: #f3f0e9;
  --pass: #2e7050; --warn: #8f5f00; --fail: #b3261e; --expected: #23697a; --crash: #8a3ea0; --unknown: #8f5f00;
  --serif: "Iowan Old Style", "Palatino Linotype", Palatino, "Source Serif 4", Georgia, serif;
  --sans: system-ui, -apple-system, "Segoe UI", "Helvetica Neue", "Open Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #161513; --ink: #ebe7de; --soft: #a09a8e; --rule: #322f2a; --wash: #1f1d1a;
    --pass: #7fc39d; --warn: #dfb356; --fail: #ff9183; --expected: #7fc2d0; --crash: #d59be6; --unknown: #dfb356;
  }
}
* { box-sizing: border-box; }
html { font: 16px/1.55 var(--sans); background: var(--paper); color: var(--ink); -webkit-text-size-adjust: 100%; }
body { margin: 0; overflow-wrap: anywhere; }
main { max-width: 46rem; margin: 0 auto; padding: 4rem 1.5rem 5rem; }
h1, h2, h3, p, ul, ol, dl, dd, figure { margin: 0; padding: 0; }
ul, ol { list-style: none; }
code, .address, .step { font-family: var(--mono); font-size: 0.8125rem; font-variant-ligatures: none; }

.brand { font-size: 0.8125rem; letter-spacing: 0.02em; color: var(--soft); }
.brand b { color: var(--ink); font-weight: 600; }
h1 { margin-top: 2.25rem; font: 400 3.5rem/1.05 var(--serif); letter-spacing: -0.02em; }
h1::first-letter { text-transform: uppercase; }
.headline { margin-top: 1rem; font: 400 1.375rem/1.45 var(--serif); text-wrap: pretty; }
.tally { display: flex; flex-wrap: wrap; gap: 0.25rem 1.75rem; margin-top: 1.75rem; padding-top: 1rem; border-top: 1px solid var(--rule); font-size: 0.875rem; color: var(--soft); }
.tally b { color: var(--ink); font-weight: 600; font-variant-numeric: tabular-nums; }

section { margin-top: 3.5rem; }
h2 { font: 400 1.625rem/1.2 var(--serif); letter-spacing: -0.01em; }
h3 { margin-top: 2.25rem; padding-bottom: 0.375rem; border-bottom: 1px solid var(--rule); font-size: 0.8125rem; font-weight: 600; letter-spacing: 0.02em; }
h3::first-letter { text-transform: uppercase; }
.lead { margin-top: 0.375rem; color: var(--soft); font-size: 0.9375rem; }

.pass { --tone: var(--pass); } .warn, .warning { --tone: var(--warn); } .fail, .error { --tone: var(--fail); }
.expected, .info { --tone: var(--expected); } .crash { --tone: var(--crash); } .skip, .plain { --tone: var(--soft); } .unknown { --tone: var(--unknown); }
.healthy { --tone: var(--pass); } .degraded, .inconclusive { --tone: var(--warn); } .unhealthy { --tone: var(--fail); }
h1, .mark, .plot .toned { color: var(--tone); }

.causes { counter-reset: cause; }
.causes > li { counter-increment: cause; position: relative; margin-top: 1.5rem; padding-left: 2.25rem; }
.causes > li::before { content: counter(cause); position: absolute; left: 0; top: 0.05em; font: 400 1.25rem/1.4 var(--serif); color: var(--soft); }
.causes > li:only-child { padding-left: 0; } .causes > li:only-child::before { content: none; }
.claim { font: 400 1.25rem/1.4 var(--serif); text-wrap: pretty; }
.pair { display: grid; grid-template-columns: 5rem 1fr; gap: 0.375rem 1rem; margin-top: 0.75rem; font-size: 0.9375rem; }
.pair dt { color: var(--soft); }
.pair li + li { margin-top: 0.25rem; }
.next li { padding-left: 1.375rem; text-indent: -1.375rem; }
.next li::before { content: "→"; display: inline-block; width: 1.375rem; text-indent: 0; color: var(--soft); }

.plot { display: grid; grid-template-columns: minmax(7rem, 11rem) 1fr minmax(7rem, auto); gap: 0.75rem 1.25rem; align-items: center; margin-top: 1.25rem; font-size: 0.875rem; }
.plot .row { display: contents; }
.plot .what::first-letter { text-transform: uppercase; } .plot .figure { text-align: right; color: var(--soft); font-variant-numeric: tabular-nums; }
.plot .figure b { color: var(--ink); font-weight: 600; }
.plot + .lead { margin-top: 1.25rem; }
.plot small { display: block; font-size: 0.8125rem; color: var(--soft); }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg .track { stroke: var(--rule); } svg .grid { fill: none; stroke: var(--rule); } svg .tone { fill: var(--tone); } svg .range { stroke: var(--tone); }
svg .limit { stroke: var(--ink); } svg .hollow { fill: none; stroke: var(--unknown); }

.check { display: grid; grid-template-columns: 1.25rem 1fr auto; gap: 0 0.625rem; padding: 0.5rem 0; border-bottom: 1px solid var(--rule); font-size: 0.9375rem; }
.check > .mark { text-align: center; }
.check > .figure { max-width: 22rem; text-align: right; color: var(--soft); font-size: 0.875rem; font-variant-numeric: tabular-nums; }
.check > .more { grid-column: 2 / -1; }
.finding { margin-top: 0.625rem; padding-left: 0.875rem; border-left: 2px solid var(--tone); }
.finding:last-child { margin-bottom: 0.375rem; }
.finding.accepted { --tone: var(--rule); color: var(--soft); }
.address { color: var(--soft); }
.finding .next, .advice { margin-top: 0.25rem; font-size: 0.875rem; }
.info > p:first-child, .quiet { color: var(--soft); font-size: 0.875rem; }
.advice { margin-top: 0.75rem; color: var(--soft); }
.advice b { font-weight: 600; color: var(--ink); }
.rest { padding: 0.625rem 0 0 1.875rem; color: var(--soft); font-size: 0.875rem; }

table { width: 100%; margin-top: 1rem; border-collapse: collapse; font-size: 0.875rem; }
th, td { padding: 0.4375rem 1rem 0.4375rem 0; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; }
th { font-weight: 600; color: var(--soft); font-size: 0.8125rem; }
td:last-child, th:last-child { padding-right: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.lines { margin-top: 0.875rem; } .lines > li { padding: 0.375rem 0; border-bottom: 1px solid var(--rule); font-variant-numeric: tabular-nums; }
footer { margin-top: 4rem; padding-top: 1rem; border-top: 1px solid var(--rule); font-size: 0.8125rem; color: var(--soft); }

@media (max-width: 36rem) {
  main { padding: 2rem 1.125rem 3rem; }
  h1 { margin-top: 1.5rem; font-size: 2.625rem; } .headline { font-size: 1.1875rem; }
  .plot { display: block; } .plot .row { display: grid; grid-template-columns: 1fr auto; gap: 0.375rem 1rem; margin-top: 1rem; }
  .plot svg { grid-area: 2 / 1 / auto / -1; }
  .check { grid-template-columns: 1.25rem 1fr; } .check > .figure { grid-column: 2; text-align: left; }
  .pair { grid-template-columns: 1fr; gap: 0.125rem; } .pair dd + dt { margin-top: 0.5rem; }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --ink: #000; --soft: #555; --rule: #ccc; --wash: #fff;
    --pass: #1f5c3f; --warn: #7a5000; --fail: #a11a12; --expected: #1a5666; --crash: #6d2c80; --unknown: #7a5000;
  }
  @page { margin: 18mm 16mm; }
  html { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  h1 { margin-top: 1rem; } section { margin-top: 2rem; }
  h2, h3 { break-after: avoid; }
  .check, .causes > li, .finding, .plot > *, tr { break-inside: avoid; }
  svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`
