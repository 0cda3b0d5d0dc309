"""The report's style sheet: light and dark, and fit for print."""

STYLE = """
:root{--ink:#1c2330;--soft:#5b6575;--rule:#dde2ea;--paper:#fff;--new:#1f6feb;--old:#b4690e;
--good:#1a7f37;--bad:#b42318;--hold:#8a6100}
@media (prefers-color-scheme:dark){:root{
--ink:#e6e9ef;--soft:#9aa5b5;--rule:#2c3442;--paper:#12161d;
--new:#5aa2ff;--old:#e0a04a;--good:#4cc26c;--bad:#ff7b6e;--hold:#e3b341}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,"Segoe UI",sans-serif}
main{max-width:1100px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:24px;line-height:1.3;margin:4px 0 12px}h2{font-size:17px;margin:36px 0 10px}
h3{font-size:15px;margin:20px 0 6px}.project,.note,small{color:var(--soft)}.project{margin:0}
.note{font-size:13px}
.verdict{padding:2px 10px;border-radius:6px;border:2px solid;letter-spacing:.03em}
.promote{color:var(--good)}.hold{color:var(--hold)}.reject{color:var(--bad)}
.passed{color:var(--good)}.failed{color:var(--bad)}.not-assessed{color:var(--soft)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th{text-align:left;font-weight:600;color:var(--soft);font-size:13px}
th,td{padding:6px 14px 6px 0;border-bottom:1px solid var(--rule);vertical-align:top}
table.facts td:first-child{color:var(--soft);width:220px}table.facts td{overflow-wrap:anywhere}
table.wide td:last-child{width:55%}
.meter{display:inline-block;height:10px;background:var(--new);border-radius:2px;min-width:1px}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(320px,1fr));gap:20px}
figure{margin:0}figcaption{font-weight:600;font-size:14px;margin-bottom:4px}
svg{width:100%;height:auto}svg text{font-size:10px;fill:var(--soft)}
.grid{stroke:var(--rule);fill:none}.guide{stroke:var(--soft);stroke-dasharray:4 4;fill:none}
.line{fill:none;stroke-width:2}.line.new{stroke:var(--new)}.line.old{stroke:var(--old)}
.dot.new,.key.new,.bar.new{fill:var(--new)}.dot.old,.key.old,.bar.old{fill:var(--old)}.bar{opacity:.55}
@media print{:root{--ink:#000;--paper:#fff}section{break-inside:avoid}}
"""
