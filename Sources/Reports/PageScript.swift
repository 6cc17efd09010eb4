/// What pages do. Everything is there without it: it sorts, shows exact values and hides what isn't asked for. Text from
/// the data goes into the page as text, never as markup.
enum PageScript {
  /// Of all pages.
  static let common = #"""
    const data = JSON.parse(document.getElementById("data").textContent);

    // make("dl", "class", child, "text", …)
    function make(name, style, ...children) {
      const made = document.createElement(name);
      if (style) made.className = style;
      made.append(...children);
      return made;
    }

    // Values with their labels, in one line where there is room.
    function values(pairs) {
      return make("dl", "", ...pairs.map(([label, value]) => make("div", "", make("dt", "", label), make("dd", "", value))));
    }

    for (const table of document.querySelectorAll("table.sortable")) {
      const heads = [...table.tHead.rows[0].cells];
      heads.forEach((head, column) => {
        const button = head.querySelector("button");
        if (!button) return;
        button.addEventListener("click", () => {
          const body = table.tBodies[0];
          const isDown = head.getAttribute("aria-sort") !== "descending";
          for (const other of heads) other.removeAttribute("aria-sort");
          head.setAttribute("aria-sort", isDown ? "descending" : "ascending");
          const rows = [...body.rows].map((row, index) => {
            const cell = row.cells[column];
            const key = cell.dataset.k;
            return { row, index, key: key === undefined ? cell.textContent : key === "" ? null : Number(key) };
          });
          rows.sort((x, y) => {
            // What has no value is last in both directions.
            if (x.key === null || y.key === null) return (x.key === null) - (y.key === null) || x.index - y.index;
            const order =
              typeof x.key === "number" ? x.key - y.key : x.key.localeCompare(y.key, "en", { numeric: true });
            return (isDown ? -order : order) || x.index - y.index;
          });
          body.append(...rows.map((item) => item.row));
        });
      });
    }

    // Shows what a mark of a drawing stands for: under the pointer, at a tap, and by the arrow keys. A click holds it.
    function explains(drawings, detail, show) {
      let held = null;
      const marks = (drawing) => [...drawing.querySelectorAll("[data-i]")];
      function choose(index, hold) {
        if (hold) held = held === index ? null : index;
        const chosen = held === null ? index : held;
        for (const drawing of drawings) {
          for (const mark of marks(drawing)) mark.classList.toggle("on", mark.dataset.i === chosen);
        }
        detail.replaceChildren(...show(Number(chosen)));
      }
      for (const drawing of drawings) {
        drawing.addEventListener("pointerover", (event) => {
          const mark = event.target.closest("[data-i]");
          if (mark && event.pointerType === "mouse") choose(mark.dataset.i, false);
        });
        drawing.addEventListener("click", (event) => {
          const mark = event.target.closest("[data-i]");
          if (mark) choose(mark.dataset.i, true);
        });
        drawing.addEventListener("keydown", (event) => {
          const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
          if (!step) return;
          event.preventDefault();
          const all = marks(drawing);
          const place = all.findIndex((mark) => mark.classList.contains("on"));
          held = null;
          choose(all[(place + step + all.length) % all.length].dataset.i, false);
        });
      }
    }

    """#

  /// Of evaluations.
  static let evaluation = #"""
    const layers = document.querySelector(".layers");
    if (layers) {
      explains([...layers.querySelectorAll("svg")], layers.querySelector(".detail"), (index) => {
        const layer = data.layers[index];
        return [make("span", "name", layer.name), values(layer.values)];
      });
    }
    for (const choice of document.querySelectorAll(".choices input")) {
      choice.addEventListener("change", () => {
        for (const card of document.querySelectorAll(".card")) {
          for (const flip of card.querySelectorAll(".flip")) {
            flip.hidden = choice.value !== "all" && !flip.classList.contains("is-" + choice.value);
          }
          card.hidden = !card.querySelector(".flip:not([hidden])");
        }
      });
    }

    """#

  /// Of inspections.
  static let inspection = #"""
    // Counts of equally wide ranges as bars.
    function histogram(counts) {
      const space = "http://www.w3.org/2000/svg";
      const drawing = document.createElementNS(space, "svg");
      const most = Math.max(...counts, 1);
      drawing.setAttribute("viewBox", `0 0 ${5 * counts.length} 56`);
      drawing.setAttribute("width", 5 * counts.length);
      drawing.setAttribute("height", 56);
      counts.forEach((count, index) => {
        if (!count) return;
        const bar = document.createElementNS(space, "rect");
        const height = Math.max(1, 54 * count / most);
        bar.setAttribute("class", "fa");
        bar.setAttribute("x", 5 * index);
        bar.setAttribute("y", 56 - height);
        bar.setAttribute("width", 4);
        bar.setAttribute("height", height);
        drawing.append(bar);
      });
      return drawing;
    }

    const map = document.querySelector(".map");
    if (map) {
      explains([...map.querySelectorAll("svg")], document.querySelector(".detail"), (index) => {
        const item = data.items[index];
        const text = make("div", "", make("span", "name", item.name), values(item.values));
        return [make("div", "row", text, ...(item.histogram ? [histogram(item.histogram)] : []))];
      });
    }

    """#
}
