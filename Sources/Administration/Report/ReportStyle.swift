/// The style of the report, in the page itself: it loads nothing from anywhere.
enum ReportStyle {
  static let sheet: StaticString = """
    <style>
    :root{--ink:#1c1f23;--soft:#5a626b;--line:#d9dde2;--ok:#1f6f5c;--bad:#b3432b;--warn:#8a6400}
    *{box-sizing:border-box}
    body{margin:0 auto;max-width:1000px;padding:32px 28px 64px;color:var(--ink);background:#fff;
    font:15px/1.5 "DejaVu Sans","Liberation Sans",system-ui,sans-serif}
    h1{font-size:28px;margin:0 0 4px;letter-spacing:-.01em}
    h2{font-size:18px;margin:36px 0 10px;padding-bottom:4px;border-bottom:2px solid var(--ink)}
    p{margin:8px 0;max-width:76ch}
    .lead{color:var(--soft);margin:0 0 20px}
    code,.m{font-family:"DejaVu Sans Mono","Liberation Mono",monospace;font-size:.86em;
    overflow-wrap:anywhere}
    pre{font:12px/1.4 "DejaVu Sans Mono","Liberation Mono",monospace;white-space:pre-wrap;
    overflow-wrap:anywhere;margin:6px 0 0}
    .verdict{border-left:6px solid var(--ok);background:#f2f7f5;padding:12px 18px;margin:18px 0}
    .verdict.bad{border-color:var(--bad);background:#fbf1ef}
    .verdict strong{font-size:17px}
    dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 18px;margin:8px 0}
    dt{color:var(--soft)} dd{margin:0;overflow-wrap:anywhere}
    .figures{display:grid;grid-template-columns:repeat(4,1fr);gap:12px;margin:18px 0;padding:0;
    list-style:none}
    .figures li{border:1px solid var(--line);padding:10px 14px}
    .figures b{display:block;font-size:24px;font-weight:600;font-variant-numeric:tabular-nums}
    .figures span{color:var(--soft);font-size:13px}
    table{border-collapse:collapse;width:100%;font-size:13px;margin:8px 0}
    th{text-align:left;color:var(--soft);font-weight:600;border-bottom:1px solid var(--ink)}
    th,td{padding:4px 10px 4px 0;vertical-align:top}
    td{border-bottom:1px solid var(--line);overflow-wrap:anywhere}
    .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
    td.m{white-space:nowrap;font-size:.92em}
    .none{color:var(--soft)}
    svg{width:100%;height:auto;margin-top:8px}
    .grid{stroke:var(--line)} .axis{font-size:11px;fill:var(--soft)}
    .end{text-anchor:end} .middle{text-anchor:middle}
    .legend{list-style:none;display:flex;gap:20px;padding:0;margin:4px 0;font-size:13px}
    .legend span{display:inline-block;width:12px;height:12px;margin-right:6px}
    .sign{display:grid;grid-template-columns:1fr 1fr;gap:36px 40px;margin-top:44px}
    .sign div{border-top:1px solid var(--ink);padding-top:4px;color:var(--soft);font-size:13px}
    .seal{margin-top:36px;color:var(--soft);font-size:12px;max-width:none}
    @media (max-width:640px){.figures{grid-template-columns:1fr 1fr}.sign{grid-template-columns:1fr}}
    @page{size:A4;margin:16mm 14mm}
    @media print{body{max-width:none;padding:0;font-size:10.5pt}
    h2{break-after:avoid} thead{display:table-header-group} tr,.verdict,svg,.sign{break-inside:avoid}
    table{font-size:8.5pt} rect,.legend span,.verdict{-webkit-print-color-adjust:exact;
    print-color-adjust:exact}}
    </style>

    """
}
