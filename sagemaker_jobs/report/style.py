"""The pages' style sheet: light and dark, a laptop's window and A4.

The series' colours are Okabe and Ito's, which colour-blind people tell apart
(https://jfly.uni-koeln.de/color/), darkened on white; line patterns tell them apart without colour.
"""

_LIGHT = """--ink:#17202c;--soft:#566172;--rule:#dfe4ec;--paper:#fff;--raised:#f6f8fb;
--shade:#0072b2;
--s1:#0072b2;--s2:#c65102;--s3:#00805f;--s4:#a8437f;--s5:#b07a00;--s6:#3a9fd8;--s7:#6b5b95;
--s8:#6b7280;--good:#1a7f37;--bad:#b42318;--hold:#8a6100;
--q0:#0072b2;--q1:#6aaed6;--q2:#a9b0ba;--q3:#ef9f5a;--q4:#c65102;--qx:#8b94a1"""
_DARK = """--ink:#e6e9ef;--soft:#9aa5b5;--rule:#2b3340;--paper:#11151b;--raised:#191f28;
--shade:#56b4e9;
--s1:#56b4e9;--s2:#f29a4a;--s3:#2cc295;--s4:#e59ac4;--s5:#e3b341;--s6:#8fd0f5;--s7:#b6a6e0;
--s8:#9aa5b5;--good:#4cc26c;--bad:#ff8478;--hold:#e3b341;
--q0:#3f9fe0;--q1:#8cc6ee;--q2:#7d8794;--q3:#f3b27c;--q4:#f2803a;--qx:#6b7482"""

STYLE = (
    f":root{{color-scheme:light dark;{_LIGHT}}}"
    f"@media screen and (prefers-color-scheme:dark){{:root{{{_DARK}}}}}"
    + """
*{box-sizing:border-box}html{scroll-behavior:smooth;scroll-padding-top:16px}
body{margin:0;background:var(--paper);color:var(--ink);
font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
main{max-width:1080px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:24px;line-height:1.3;margin:6px 0 10px}
h2{font-size:19px;margin:44px 0 10px;padding-top:14px;border-top:1px solid var(--rule)}
h3{font-size:15.5px;margin:24px 0 6px}p{margin:6px 0 10px;max-width:104ch}
a{color:var(--s1)}code{font:13px ui-monospace,Menlo,Consolas,monospace;background:var(--raised);
padding:1px 5px;border-radius:4px;overflow-wrap:anywhere}
pre{background:var(--raised);border:1px solid var(--rule);border-radius:8px;padding:10px 14px;
overflow-x:auto}pre code{padding:0;background:none}
.project,.note,small{color:var(--soft)}.project{margin:0;font-size:14px}.note{font-size:13px}
small{font-size:12.5px;white-space:nowrap}
.verdict{padding:1px 11px 2px;border-radius:7px;border:2px solid;letter-spacing:.03em;
white-space:nowrap}
.promote,.passed{color:var(--good)}.hold{color:var(--hold)}.reject,.failed{color:var(--bad)}
.not-assessed,.advisory{color:var(--soft)}.failed{font-weight:600}
.passed,.failed,.not-assessed{white-space:nowrap}p.failed{white-space:normal}
.tag{font-size:11.5px;border:1px solid var(--rule);border-radius:9px;padding:0 7px;
color:var(--soft);white-space:nowrap}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:12px;margin:18px 0}
.tile{background:var(--raised);border:1px solid var(--rule);border-radius:10px;padding:10px 14px}
.tile b{display:block;font-size:22px;line-height:1.25;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:13px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;margin:4px 0 10px}
th{text-align:left;font-weight:600;color:var(--soft);font-size:13px;vertical-align:bottom}
th,td{padding:6px 14px 6px 0;border-bottom:1px solid var(--rule);vertical-align:top}
th:last-child,td:last-child{padding-right:0}
th.n,td.n{text-align:right}td.n{white-space:nowrap}
table.facts td:first-child{color:var(--soft);width:220px}table.facts td{overflow-wrap:anywhere}
table.rows td:first-child{overflow-wrap:anywhere;min-width:92px}
table.snug{max-width:520px}table.small td{font-size:14px}
table.small td:first-child{min-width:170px}table.stack small{display:block}
.meter{display:inline-block;width:110px}.meter i{display:block;height:10px;background:var(--c);
border-radius:2px;min-width:1px}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(330px,1fr));gap:26px 28px}
.columns{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:16px}
.columns{align-items:start}
.column{border:1px solid var(--rule);border-radius:10px;padding:10px 12px 6px;min-width:0}
.column h4{margin:0;font-size:14px;overflow-wrap:anywhere}
.column p{margin:1px 0 4px;font-size:12.5px;color:var(--soft)}
figure{margin:8px 0 0;min-width:0}figure.broad{grid-column:1/-1}figure.narrow{max-width:480px}
figcaption{font-weight:600;font-size:14px;margin-bottom:2px}
.legend{margin:0 0 2px;font-size:12.5px;color:var(--soft);max-width:none}
.key{margin-right:14px;white-space:nowrap}
.key i{display:inline-block;width:18px;height:0;border-top:3px solid var(--c);margin-right:5px;
vertical-align:middle}.key.s2 i{border-top-style:dashed}.key.s3 i{border-top-style:dotted}
.fill .key i{height:10px;width:10px;border:0;background:var(--c);border-radius:2px}
svg{display:block;width:100%;height:auto}svg text{font-size:10.5px;fill:var(--soft)}
svg .label{font-size:11px}svg .strong{fill:var(--ink);font-size:11px}svg .on{fill:var(--paper)}
svg.cell{width:220px;height:16px;margin-top:4px}
.grid{stroke:var(--rule);fill:none}.guide{stroke:var(--soft);stroke-dasharray:4 4;fill:none}
.line{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round}
.line.s2{stroke-dasharray:7 3}.line.s3{stroke-dasharray:2 3}
.dots{fill:none;stroke:var(--c);stroke-linecap:round}.bar{fill:var(--c);opacity:.6}
.bar.solid{opacity:.85}.whisker{fill:none;stroke:var(--c);stroke-width:1.6}
.ring{fill:none;stroke:var(--c);stroke-width:2}path.cell,rect.cell{fill:var(--shade)}
.s1{--c:var(--s1)}.s2{--c:var(--s2)}.s3{--c:var(--s3)}.s4{--c:var(--s4)}.s5{--c:var(--s5)}
.s6{--c:var(--s6)}.s7{--c:var(--s7)}.s8{--c:var(--s8)}
.q0{--c:var(--q0)}.q1{--c:var(--q1)}.q2{--c:var(--q2)}.q3{--c:var(--q3)}.q4{--c:var(--q4)}
.qx{--c:var(--qx)}
nav ol{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:2px 16px;font-size:13.5px}
nav{max-width:1080px;margin:0 auto;padding:18px 24px 0}
nav a{color:var(--soft);text-decoration:none}nav a:hover,nav a:focus{color:var(--s1)}
summary{cursor:pointer;color:var(--soft);font-size:13.5px}
@media (min-width:1340px){.page.parts{display:grid;grid-template-columns:190px minmax(0,1080px);
gap:0 24px;justify-content:center}nav{position:sticky;top:0;align-self:start;padding:42px 0 0 24px;
max-height:100vh;overflow-y:auto}nav ol{display:block;border-left:2px solid var(--rule)}
nav li{padding:2px 0 2px 12px}.parts main{margin:0}}
@page{size:A4;margin:14mm 13mm 16mm}
@media print{body{font-size:10.5pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}
nav{display:none}main{padding:0;max-width:none}h1{font-size:17pt}
h2{font-size:13pt;margin:20pt 0 6pt}h2,h3,h4,figcaption{break-after:avoid}
figure,.column,.tile,tr,pre{break-inside:avoid}thead{display:table-header-group}
.charts{grid-template-columns:1fr 1fr;gap:12pt 16pt}.columns{grid-template-columns:1fr 1fr 1fr;
gap:8pt}.scroll{overflow:visible}th,td{padding:3pt 8pt 3pt 0;font-size:9.5pt}small{font-size:8.5pt}
.tiles{grid-template-columns:repeat(4,1fr)}.tile b{font-size:13pt}svg.cell{width:150px}
details::details-content{content-visibility:visible;block-size:auto}}
"""
)
