/// How all pages look.
enum PageStyle {
  /// Colours in light and dark; the rest is said once.
  static let text = """

    :root {
      color-scheme: light dark;
      --paper: #fbfaf7; --ink: #22252a; --soft: #666b73; --line: #dedbd3; --raised: #ffffff;
      --a: #2c6892; --b: #b5611c; --good: #3d7a4c; --bad: #b03a48; --halo: #ffffffb0;
      --k0: #7fa8cb; --k1: #dfb071; --k2: #93bd98; --k3: #c99bb7; --k4: #a7a2d2; --k5: #d49a8e; --k6: #8fbcbc;
      --k7: #bdb9ae;
      --mono: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --paper: #17191c; --ink: #e3e1dc; --soft: #9a9fa7; --line: #34383e; --raised: #1f2226;
        --a: #79b4de; --b: #e69a5c; --good: #85c294; --bad: #e88490; --halo: #ffffff80;
        --k0: #6d97bb; --k1: #c99a5c; --k2: #7fa985; --k3: #b386a1; --k4: #928dbf; --k5: #c0867a; --k6: #78a6a6;
        --k7: #8d8a82;
      }
    }
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
    body {
      margin: 0; background: var(--paper); color: var(--ink);
      font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
    }
    main, footer { max-width: 1160px; margin: 0 auto; padding: 0 16px; }
    footer { padding: 8px 16px 40px; color: var(--soft); font-size: 13px; }
    h1 { font-size: 26px; line-height: 1.25; margin: 32px 0 4px; font-weight: 650; overflow-wrap: anywhere; }
    h2 { font-size: 19px; margin: 44px 0 8px; font-weight: 650; }
    h3 { font-size: 15px; margin: 20px 0 6px; font-weight: 650; }
    p { margin: 6px 0 10px; max-width: 75ch; }
    .note, .lead { color: var(--soft); }
    .note { font-size: 13.5px; }
    .name { overflow-wrap: anywhere; }
    code, li { overflow-wrap: anywhere; }
    li code { font-size: 13px; } ul { padding-left: 20px; }
    code, .name, .facts dd { font-family: var(--mono); font-size: 13px; }
    .a { color: var(--a); } .b { color: var(--b); } .good { color: var(--good); } .bad { color: var(--bad); }
    .figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(158px, 1fr)); gap: 10px; margin: 14px 0; }
    .figures > div { background: var(--raised); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; }
    .figures dt { color: var(--soft); font-size: 13px; }
    .figures dd { margin: 0; font-size: 21px; font-weight: 600; font-variant-numeric: tabular-nums; }
    .figures .note { display: block; font-size: 12.5px; font-weight: 400; }
    .facts { display: grid; grid-template-columns: max-content 1fr; gap: 3px 18px; margin: 12px 0; }
    .facts dt { color: var(--soft); font-size: 13.5px; }
    .facts dd { margin: 0; overflow-wrap: anywhere; }
    .box { overflow: auto; border: 1px solid var(--line); border-radius: 8px; background: var(--raised); margin: 10px 0; }
    .box.tall { max-height: 560px; }
    .box.plain { border: 0; background: none; border-radius: 0; }
    table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
    th, td { padding: 5px 10px; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--line); }
    td:first-child { min-width: 270px; max-width: 460px; white-space: normal; overflow-wrap: anywhere; }
    tr:last-child td { border-bottom: 0; }
    tbody tr:hover { background: color-mix(in srgb, var(--a) 7%, transparent); }
    th { position: sticky; top: 0; background: var(--raised); z-index: 1; box-shadow: inset 0 -1px var(--line); }
    th button {
      all: unset; cursor: pointer; color: var(--soft); font-weight: 600; font-size: 12.5px; white-space: nowrap;
    }
    th button:focus-visible { outline: 2px solid var(--a); outline-offset: 2px; }
    th[aria-sort] button { color: var(--ink); }
    th[aria-sort=ascending] button::after { content: " ↑"; }
    th[aria-sort=descending] button::after { content: " ↓"; }
    .r { text-align: right; }
    svg { display: block; }
    svg text { fill: var(--soft); font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
    svg .axis { stroke: var(--line); } svg .zero { stroke: var(--soft); }
    svg .fa { fill: var(--a); } svg .fb { fill: var(--b); } svg .sa { stroke: var(--a); } svg .sb { stroke: var(--b); }
    svg .none { fill: none; stroke: var(--a); }
    svg .dot { stroke: var(--raised); stroke-width: 1; }
    svg .hit { fill: transparent; cursor: pointer; }
    svg .hit:hover { fill: color-mix(in srgb, var(--ink) 9%, transparent); }
    svg .on { fill: color-mix(in srgb, var(--ink) 14%, transparent); }
    svg:focus-visible { outline: 2px solid var(--a); outline-offset: 3px; }
    figure { margin: 10px 0; }
    .interval svg { width: 100%; max-width: 440px; height: auto; }
    .legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 18px; padding: 0; margin: 8px 0; font-size: 13px; }
    .legend i { display: inline-block; width: 11px; height: 11px; border-radius: 2px; margin-right: 6px; }
    .legend .ma { background: var(--a); } .legend .mb { background: var(--b); border-radius: 50%; }
    .legend .mo { border: 1.5px solid var(--a); }
    .legend .k0 { background: var(--k0); } .legend .k1 { background: var(--k1); } .legend .k2 { background: var(--k2); }
    .legend .k3 { background: var(--k3); } .legend .k4 { background: var(--k4); } .legend .k5 { background: var(--k5); }
    .legend .k6 { background: var(--k6); } .legend .k7 { background: var(--k7); }
    svg .k0 { fill: var(--k0); } svg .k1 { fill: var(--k1); } svg .k2 { fill: var(--k2); } svg .k3 { fill: var(--k3); }
    svg .k4 { fill: var(--k4); } svg .k5 { fill: var(--k5); } svg .k6 { fill: var(--k6); } svg .k7 { fill: var(--k7); }
    .map svg { width: 100%; height: auto; }
    .map .leaf { stroke: var(--paper); stroke-width: .6; cursor: pointer; }
    .map .leaf:hover, .map .leaf.on { filter: brightness(1.12); stroke: var(--ink); stroke-width: 1.6; }
    .map .frame { fill: none; stroke: var(--paper); stroke-width: 2.5; pointer-events: none; }
    .map .part { fill: none; stroke: var(--ink); stroke-width: 1.6; pointer-events: none; }
    .map text { fill: #15171a; pointer-events: none; paint-order: stroke; stroke: var(--halo); stroke-width: 3px; }
    .map text { stroke-linejoin: round; } .map text.part-name { font-weight: 700; }
    .map text.leaf-name { font-size: 10.5px; }
    .map .narrow { display: none; }
    .detail {
      position: sticky; bottom: 0; z-index: 2; margin: 8px 0; padding: 10px 14px; min-height: 84px;
      background: var(--raised); border: 1px solid var(--line); border-radius: 8px; font-size: 13.5px;
      box-shadow: 0 -4px 16px #0000000f;
    }
    .detail .name { font-weight: 600; display: block; }
    .detail .note { margin: 0; }
    .detail dl { display: flex; flex-wrap: wrap; gap: 2px 20px; margin: 4px 0 0; }
    .detail dl div { display: flex; gap: 6px; } .detail dt { color: var(--soft); } .detail dd { margin: 0; }
    .detail dd, .spark { font-variant-numeric: tabular-nums; }
    .detail .row { display: flex; gap: 20px; align-items: center; justify-content: space-between; flex-wrap: wrap; }
    .detail svg .fa, .spark .fa { fill: var(--a); }
    .cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 12px; margin: 12px 0; }
    .card {
      display: flex; gap: 14px; background: var(--raised); border: 1px solid var(--line); border-radius: 8px;
      padding: 12px; break-inside: avoid;
    }
    .card img, .card .nothing {
      flex: none; width: 88px; height: 88px; object-fit: contain; background: var(--paper); border-radius: 4px;
    }
    .card .nothing { display: grid; place-items: center; font-size: 11.5px; color: var(--soft); text-align: center; }
    .card > div { min-width: 0; flex: 1; }
    .card .file { font-size: 12px; color: var(--soft); overflow-wrap: anywhere; }
    .flip + .flip { border-top: 1px solid var(--line); margin-top: 8px; padding-top: 8px; }
    .flip p { margin: 0 0 4px; overflow-wrap: anywhere; font-weight: 600; }
    .flip dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 10px; margin: 0; font-size: 13.5px; }
    .flip dt { color: var(--soft); } .flip dd { margin: 0; overflow-wrap: anywhere; }
    .choices { display: flex; flex-wrap: wrap; gap: 8px; margin: 10px 0; padding: 0; border: 0; }
    .choices label { border: 1px solid var(--line); border-radius: 16px; padding: 3px 12px; cursor: pointer; }
    .choices label { font-size: 13.5px; background: var(--raised); }
    .choices input { position: absolute; opacity: 0; }
    .choices label:has(:checked) { border-color: var(--a); color: var(--a); }
    .choices label:has(:focus-visible) { outline: 2px solid var(--a); }
    [hidden] { display: none !important; }
    @media (max-width: 640px) {
      h1 { font-size: 21px; margin-top: 20px; }
      .facts { grid-template-columns: 1fr; gap: 0; }
      .facts dd { margin-bottom: 6px; }
      .figures { grid-template-columns: repeat(2, 1fr); gap: 8px; }
      .figures dd { font-size: 18px; }
      .map .wide { display: none; } .map .narrow { display: block; }
      td:first-child { min-width: 150px; max-width: 210px; } th, td { padding: 5px 8px; }
      td code { font-size: 12px; }
      .cards { grid-template-columns: 1fr; }
      .box.tall { max-height: 70vh; }
    }
    @media print {
      :root {
        --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --raised: #fff; --a: #2c6892; --b: #b5611c;
        --good: #2b6038; --bad: #99202f; --halo: #ffffffb0;
        --k0: #7fa8cb; --k1: #dfb071; --k2: #93bd98; --k3: #c99bb7; --k4: #a7a2d2; --k5: #d49a8e; --k6: #8fbcbc;
        --k7: #bdb9ae;
      }
      body { font-size: 11px; }
      .box, .box.tall { overflow: visible; max-height: none; border: 0; }
      table { font-size: 8.5px; } th, td { padding: 2px 5px; } td:first-child { min-width: 190px; max-width: 260px; }
      code { font-size: 8.5px; } th button { font-size: 8.5px; }
      th { position: static; }
      .detail, .choices { display: none; }
      .box svg { max-width: 100%; height: auto; }
      section, .card, tr { break-inside: auto; } tr, .card, .figures > div { break-inside: avoid; }
      * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
    }

    """
}
