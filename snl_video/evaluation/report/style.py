"""How a page looks: one column of text, light and dark, on paper and on a phone."""

STYLE = """
:root {
  --paper: #fdfcfa; --raised: #f5f2ec; --ink: #1d1c1a; --soft: #6a665e; --rule: #dfdad0;
  --accent: #2d5f8b; --accent-rgb: 45, 95, 139; --wrong: #a8452c; --right: #3f7252;
  --serif: "Iowan Old Style", "Palatino Linotype", Palatino, "Source Serif 4", Georgia,
    "DejaVu Serif", serif;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171a; --raised: #1e2125; --ink: #e7e4de; --soft: #9b978e; --rule: #33363b;
    --accent: #84b3dd; --accent-rgb: 132, 179, 221; --wrong: #e58d74; --right: #8fc3a2;
  }
}
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); font: 16px/1.55 var(--sans);
  -webkit-text-size-adjust: 100%; }
body { margin: 0; }
main { max-width: 66rem; margin: 0 auto; padding: 3.5rem 1.5rem 5rem; }
h1, h2, h3 { font-family: var(--serif); font-weight: 500; line-height: 1.2; text-wrap: balance; }
h1 { font-size: clamp(1.8rem, 5vw, 2.7rem); margin: .2rem 0 .8rem; letter-spacing: -.01em;
  overflow-wrap: anywhere; }
h2 { font-size: 1.45rem; margin: 0 0 .7rem; }
h3 { font-size: 1.05rem; margin: .6rem 0 .4rem; }
p { margin: 0 0 1rem; max-width: 44rem; }
.eyebrow { color: var(--soft); font-size: .8rem; letter-spacing: .09em; text-transform: uppercase;
  margin: 0; }
.lead { color: var(--soft); }
.note { color: var(--soft); font-size: .85rem; }
.warning { border-left: 3px solid var(--wrong); padding: .2rem 0 .2rem 1rem; }
section { border-top: 1px solid var(--rule); padding-top: 1.6rem; margin-top: 2.8rem; }
nav { margin-top: 1.4rem; font-size: .9rem; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; }
a { color: var(--accent); text-decoration-thickness: 1px; text-underline-offset: .2em; }
code, .mono { font-family: var(--mono); font-size: .85em; overflow-wrap: anywhere; }
.numbers { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr));
  gap: 2rem 2.4rem; margin: 1.8rem 0; }
.number .name { color: var(--soft); font-size: .9rem; }
.number .value { font-family: var(--serif); font-size: 2.9rem; line-height: 1.15;
  font-variant-numeric: lining-nums tabular-nums; }
.number .value small { font-size: 1.2rem; color: var(--soft); margin-left: .1em; }
.number .range { font-size: .85rem; color: var(--soft); font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .9rem;
  font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: .4rem; }
th { text-align: left; font-weight: 500; color: var(--soft); border-bottom: 1px solid var(--ink);
  padding: .35rem 1rem .35rem 0; vertical-align: bottom; white-space: nowrap; }
td { border-bottom: 1px solid var(--rule); padding: .38rem 1rem .38rem 0;
  vertical-align: baseline; }
td:last-child, th:last-child { padding-right: 0; }
.num { text-align: right; white-space: nowrap; }
th button { font: inherit; color: inherit; background: none; border: 0; padding: 0;
  cursor: pointer; }
th button::after { content: "\\2195"; margin-left: .35em; opacity: .45; }
th[aria-sort] { color: var(--ink); }
th[aria-sort="ascending"] button::after { content: "\\2191"; opacity: 1; }
th[aria-sort="descending"] button::after { content: "\\2193"; opacity: 1; }
th button:focus-visible, a:focus-visible, input:focus-visible { outline: 2px solid var(--accent);
  outline-offset: 3px; }
td.bar { width: 34%; min-width: 7rem; vertical-align: middle; }
td.bar span { display: block; height: .55rem; background: var(--accent); min-width: 1px; }
input[type=search] { font: inherit; font-size: .9rem; color: inherit; background: var(--raised);
  border: 1px solid var(--rule); border-radius: 4px; padding: .3rem .6rem; width: 100%;
  max-width: 18rem; }
.tall { max-height: 34rem; overflow: auto; }
.tall .wide { overflow: visible; margin: 0; }
.tall thead th { position: sticky; top: 0; background: var(--paper); }
svg { display: block; max-width: 100%; height: auto; overflow: visible; }
td svg { max-width: none; display: inline-block; vertical-align: middle; }
svg text { fill: var(--soft); font: 11px var(--sans); }
.axis { stroke: var(--soft); opacity: .55; } .ideal { stroke: var(--soft); stroke-dasharray: 3 4; }
.fill { fill: var(--accent); } .faint { fill: var(--accent); opacity: .28; }
.gap { fill: var(--wrong); opacity: .5; } .off { fill: var(--rule); }
.stroke { stroke: var(--accent); stroke-width: 2; } .zero { stroke: var(--soft); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(19rem, 100%), 1fr));
  gap: 1.5rem 3rem; align-items: start; }
table.confusion { width: auto; font-size: .8rem; }
table.confusion th, table.confusion td { border: 1px solid var(--paper); padding: 0;
  text-align: center; }
table.confusion td { width: 2.6rem; min-width: 2rem; height: 2.1rem; vertical-align: middle; }
table.confusion tbody th { text-align: right; padding: 0 .7rem 0 0; vertical-align: middle; }
table.confusion thead th { height: 7.5rem; vertical-align: bottom; padding-bottom: .4rem; }
table.confusion thead th span { writing-mode: vertical-rl; transform: rotate(180deg); }
table.confusion td.dark { color: var(--paper); } table.confusion td.zero { color: transparent; }
.matrix { width: 100%; max-width: 30rem; aspect-ratio: 1; image-rendering: pixelated;
  border: 1px solid var(--rule); background: var(--raised); }
.mistakes { display: grid; gap: 2.2rem; }
.mistake .who { font-size: 1.05rem; margin: 0; max-width: none; }
.mistake .who b { font-weight: 600; color: var(--wrong); }
.mistake .who i { font-style: normal; color: var(--right); font-weight: 600; }
.mistake .file { color: var(--soft); font-size: .82rem; margin: .1rem 0 .5rem; max-width: none;
  overflow-wrap: anywhere; }
.strip { display: grid; grid-template-columns: repeat(6, 1fr); gap: 3px; }
.strip img { width: 100%; display: block; border-radius: 2px; }
dl { display: grid; grid-template-columns: minmax(9rem, max-content) 1fr; gap: .3rem 1.6rem;
  font-size: .9rem; margin: .6rem 0 1rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.up { color: var(--right); } .down { color: var(--wrong); }
footer { margin-top: 3.5rem; color: var(--soft); font-size: .85rem; }
@media screen and (max-width: 52rem) {
  .numbers { grid-template-columns: 1fr 1fr; }
}
@media (max-width: 40rem) {
  main { padding: 1.8rem 1.1rem 3rem; }
  .numbers { gap: 1.4rem; }
  .number .value { font-size: 2.1rem; }
  .strip { grid-template-columns: repeat(3, 1fr); }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; }
  td.bar { min-width: 4rem; width: 22%; }
  table.confusion td { width: 1.7rem; min-width: 1.7rem; height: 1.7rem; font-size: .7rem; }
}
@media print {
  :root { --paper: #fff; --raised: #f5f2ec; --ink: #000; --soft: #555; --rule: #ccc;
    --accent: #2d5f8b; --accent-rgb: 45, 95, 139; --wrong: #a8452c; --right: #3f7252; }
  html { font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main { padding: 0; max-width: none; }
  .numbers { gap: 1.4rem; }
  .number .value { font-size: 2.2rem; }
  nav, input[type=search], th button::after { display: none; }
  .tall { max-height: none; overflow: visible; }
  .mistake, .number, tr { break-inside: avoid; } h2, h3 { break-after: avoid; }
}
"""
