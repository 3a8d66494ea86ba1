/// The style sheet of `report.html`: no fonts, images or sheets from elsewhere.
enum ReportStyle {
  static let sheet = """
    :root {
      color-scheme: light dark;
      --paper: #fff; --ink: #1b1d21; --soft: #5a6069; --line: #d9dde3; --panel: #f5f6f8;
      --accent: #0b5cad; --good: #0a6b4b; --bad: #a63603; --heat: 213 94 0;
      --s0: #555b64; --s1: #0072b2; --s2: #c24e00; --s3: #007a59; --s4: #a23b8f; --s5: #8a6400;
      --s6: #4a54c4;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --paper: #14161a; --ink: #e8eaed; --soft: #a3abb6; --line: #343a43; --panel: #1d2026;
        --accent: #7db8f0; --good: #52d3a5; --bad: #ff9a66; --heat: 190 84 8;
        --s0: #b9c0ca; --s1: #56b4e9; --s2: #ff8f4f; --s3: #35d0a0; --s4: #e79bd3; --s5: #ecc048;
        --s6: #a9b1ff;
      }
    }
    @media print {
      :root {
        --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --panel: #fff; --heat: 213 94 0;
      }
      body { font-size: 11pt; }
      main { max-width: none; padding: 0; }
      .samples-form, .pager, .contents, summary, .sample .link { display: none; }
      h2, h3, caption, figcaption { break-after: avoid; }
      tr, figure, blockquote, .verdict, .sample { break-inside: avoid; }
      .scroll { overflow: visible; }
      table { font-size: 8.5pt; }
    }
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; }
    body {
      margin: 0; background: var(--paper); color: var(--ink);
      font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
      overflow-wrap: anywhere;
    }
    main { max-width: 54rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
    h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .35rem; letter-spacing: -.01em; }
    h2 {
      font-size: 1.25rem; line-height: 1.3; margin: 3rem 0 .5rem; padding-top: 1rem;
      border-top: 1px solid var(--line);
    }
    h3 { font-size: 1rem; margin: 1.75rem 0 .5rem; }
    p, ul { margin: .5rem 0 1rem; }
    ul { padding-left: 1.2rem; }
    li { margin: .3rem 0; }
    a { color: var(--accent); }
    .lead { color: var(--soft); margin-top: 0; }
    .note { color: var(--soft); font-size: .875rem; }
    .verdict {
      background: var(--panel); border-left: 4px solid var(--accent); border-radius: 0 6px 6px 0;
      padding: 1rem 1.25rem; margin: 1.5rem 0;
    }
    .verdict .headline { margin: 0; }
    .verdict .headline strong:first-child { font-size: 1.2rem; line-height: 1.4; }
    .verdict ul { margin: .75rem 0 0; }
    .contents ol { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .1rem 1.5rem;
      margin: 0 0 1rem; padding: 0; list-style: none; font-size: .9rem; }
    .contents li { margin: 0; }
    code, .digest { font: .8125rem/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, monospace; }
    .scroll { overflow-x: auto; margin: .5rem 0 1rem; }
    table { border-collapse: collapse; font-size: .875rem; line-height: 1.4; }
    caption { text-align: left; color: var(--soft); padding: 0 0 .4rem; }
    th, td {
      padding: .35rem .75rem .35rem 0; text-align: left; vertical-align: top;
      border-bottom: 1px solid var(--line); overflow-wrap: normal;
    }
    th { font-weight: 600; color: var(--soft); }
    thead th { border-bottom: 1.5px solid var(--soft); vertical-align: bottom; }
    thead th.n { white-space: normal; min-width: 4.5rem; }
    td.n, th.n {
      text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap;
    }
    td small, tbody th small { display: block; font-size: .75rem; font-weight: 400; color: var(--soft); }
    tbody th { white-space: nowrap; color: var(--ink); }
    td.prose { min-width: 17rem; }
    td.better { color: var(--good); font-weight: 600; }
    td.worse { color: var(--bad); font-weight: 600; }
    details { margin: .25rem 0 1rem; }
    summary { cursor: pointer; color: var(--accent); font-size: .875rem; }
    figure { margin: 1rem 0 .5rem; }
    figcaption { font-weight: 600; margin-bottom: .25rem; }
    figcaption small { display: block; font-weight: 400; color: var(--soft); font-size: .875rem; }
    .chart { width: 100%; height: auto; display: block; }
    .chart.narrow { display: none; }
    .chart text { fill: var(--ink); font-size: 12.5px; }
    .chart .tick, .chart .name { fill: var(--soft); font-size: 12px; }
    .chart .grid { stroke: var(--line); stroke-width: 1; }
    .chart .axis { stroke: var(--soft); stroke-width: 1; }
    .s0 { --c: var(--s0); } .s1 { --c: var(--s1); } .s2 { --c: var(--s2); }
    .s3 { --c: var(--s3); } .s4 { --c: var(--s4); } .s5 { --c: var(--s5); }
    .s6 { --c: var(--s6); }
    .chart .curve { fill: none; stroke: var(--c); stroke-width: 2.25; stroke-linejoin: round; }
    .chart .marker { fill: var(--c); stroke: var(--c); stroke-width: 1.5; }
    .chart .band { fill: var(--c); fill-opacity: .15; stroke: none; }
    .chart .bar { stroke: var(--c); stroke-width: 2.25; }
    .chart .front { fill: none; stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 5 4; }
    .chart .tile { fill: transparent; stroke: var(--line); stroke-width: 1; }
    .chart .contour { fill: none; stroke: var(--ink); stroke-width: 1.75; stroke-linejoin: round; }
    .chart .value { font-size: 12px; font-variant-numeric: tabular-nums; paint-order: stroke;
      stroke: var(--paper); stroke-width: 4; stroke-opacity: .7; stroke-linejoin: round; }
    .chart.narrow .value { font-size: 11px; }
    .chart .interval .bar { stroke-width: 1.25; stroke-opacity: .5; }
    .chart .faint { opacity: .55; }
    .chart .leader { stroke: var(--c); stroke-width: 1; stroke-opacity: .55; }
    .chart .label { fill: var(--c); font-weight: 600; }
    .heat-title { font-weight: 600; margin: 1.25rem 0 .25rem; }
    .heat-maps { display: flex; flex-wrap: wrap; gap: 0 2rem; }
    .heat-maps .scroll { max-width: 100%; }
    .heat td { text-align: center; min-width: 4.1rem; padding: .45rem .4rem; color: var(--ink);
      font-variant-numeric: tabular-nums; border: 2px solid var(--paper); white-space: nowrap; }
    .heat th { text-align: right; vertical-align: middle; border: 0; }
    .heat thead th.n { text-align: center; }
    blockquote { margin: .5rem 0 1rem; padding: .1rem 0 .1rem 1rem;
      border-left: 3px solid var(--line); }
    blockquote p { margin: .4rem 0; }
    .tag { font-size: .75rem; font-weight: 600; padding: .1rem .45rem; border-radius: 999px;
      border: 1px solid currentColor; white-space: nowrap; }
    .tag.complied { color: var(--bad); } .tag.refused { color: var(--good); }
    .tag.degenerate, .tag.unscored, .tag.unsuccessful { color: var(--soft); }
    .benign .tag.complied { color: var(--good); } .benign .tag.refused { color: var(--bad); }
    .samples-form { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; margin: 1rem 0; }
    [hidden] { display: none !important; }
    .samples-form label { font-size: .8125rem; color: var(--soft); display: grid; gap: .2rem;
      min-width: 0; flex: 0 1 auto; }
    .samples-form .search { flex: 1 1 12rem; }
    select, input, button {
      font: inherit; font-size: .875rem; color: var(--ink); background: var(--paper);
      border: 1px solid var(--soft); border-radius: 5px; padding: .35rem .5rem; max-width: 100%;
      min-width: 0;
    }
    button { cursor: pointer; } button:disabled { opacity: .45; cursor: default; }
    :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
    .sample { border-bottom: 1px solid var(--line); padding: .75rem 0; }
    .sample header { display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: baseline;
      font-size: .8125rem; color: var(--soft); }
    .sample p { margin: .35rem 0 0; white-space: pre-wrap; unicode-bidi: isolate; }
    .sample .prompt { color: var(--soft); }
    .sample button, .sample .link, .pinned button { border: 0; padding: 0; background: none; color: var(--accent);
      font-size: .8125rem; text-decoration: underline; }
    .pager { display: flex; gap: .75rem; align-items: center; margin: 1rem 0; font-size: .875rem; }
    @media (max-width: 40rem) {
      main { padding: 1.5rem 1rem 3rem; }
      h1 { font-size: 1.45rem; }
      .verdict { padding: .85rem 1rem; }
      .verdict .headline strong:first-child { font-size: 1.08rem; }
      .chart.wide { display: none; }
      .chart.narrow { display: block; }
      .samples-form label { flex: 1 1 8rem; }
    }
    """
}
