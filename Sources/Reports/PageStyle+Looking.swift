extension PageStyle {
  /// Of pages that show what nets look at.
  static let looking = """

    .picks { margin: 8px 0; align-items: center; gap: 6px; }
    .picks legend { float: left; width: 48px; color: var(--soft); font-size: 13px; padding: 0; }
    .picks label { min-width: 34px; text-align: center; padding: 2px 9px; }
    .words { display: flex; flex-wrap: wrap; gap: 6px; margin: 14px 0; }
    .word {
      font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--line); border-radius: 8px;
      padding: 5px; cursor: pointer; display: flex; flex-direction: column; align-items: center; gap: 3px; min-width: 66px;
    }
    .word canvas { width: 54px; height: 54px; border-radius: 4px; image-rendering: pixelated; background: #fff; }
    .word span { font-size: 13.5px; max-width: 200px; overflow-wrap: anywhere; }
    .word[aria-pressed=true] { border-color: var(--a); box-shadow: 0 0 0 1px var(--a); color: var(--a); font-weight: 600; }
    .word:focus-visible { outline: 2px solid var(--a); outline-offset: 2px; }
    .looking { display: grid; grid-template-columns: minmax(0, 512px) minmax(240px, 1fr); gap: 8px 28px; }
    .heat { margin: 0; } .heat svg { width: 100%; height: auto; border-radius: 4px; }
    .heat rect { cursor: crosshair; stroke: none; }
    .heat rect.cursor { fill: none; stroke: #111; stroke-width: 2.5; pointer-events: none; }
    .heat rect.cursor { filter: drop-shadow(0 0 1.5px #fff) drop-shadow(0 0 1.5px #fff); }
    .heat figcaption { display: flex; gap: 8px; align-items: center; font-size: 13px; color: var(--soft); margin-top: 8px; flex-wrap: wrap; }
    #scale { width: 160px; height: 12px; border-radius: 3px; background: #fff; border: 1px solid var(--line); }
    .switch { font-size: 13.5px; display: inline-flex; gap: 6px; align-items: center; }
    .aside .detail { min-height: 120px; }
    #answer td, #answer th { text-align: right; position: static; box-shadow: none; }
    #answer td:first-child, #answer th:first-child {
      text-align: left; min-width: 0; font-weight: 600; white-space: nowrap;
    }
    #answer th { font-weight: 600; color: var(--soft); font-size: 12.5px; }
    @media (max-width: 640px) { .looking { grid-template-columns: minmax(0, 1fr); } }
    @media print { .aside, .switch, .picks { display: none; } .picks:has(:checked) { display: flex; }
      .picks label:not(:has(:checked)) { display: none; } .looking { grid-template-columns: 300px; }
      .word { padding: 2px; } .heat, .word { break-inside: avoid; } }

    """
}
