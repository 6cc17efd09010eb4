extension PageScript {
  /// Of attention over an image.
  static let attention = #"""
    // Half-precision numbers, none of which is negative or infinite.
    function halves(text) {
      const raw = atob(text);
      const out = new Float32Array(raw.length / 2);
      for (let index = 0; index < out.length; index++) {
        const bits = raw.charCodeAt(2 * index) | raw.charCodeAt(2 * index + 1) << 8;
        const exponent = bits >> 10 & 31, fraction = bits & 1023;
        out[index] = exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24;
      }
      return out;
    }

    const weights = { image: halves(data.image.weights), text: data.text ? halves(data.text.weights) : null };
    // Of one token alone, heat is how much it looks there.
    const compares = data.tokens.length > 1;

    // Rows × columns of a block, of one head or the mean of all.
    function shares(of, block, head) {
      const { heads, rows, columns } = data[of];
      const chosen = head === "mean" ? [...Array(heads).keys()] : [Number(head)];
      const out = Array.from({ length: rows }, () => new Float64Array(columns));
      for (const number of chosen) {
        for (let row = 0; row < rows; row++) {
          const start = ((block * heads + number) * rows + row) * columns;
          for (let column = 0; column < columns; column++) {
            out[row][column] += weights[of][start + column] / chosen.length;
          }
        }
      }
      return out;
    }

    // Red, green, blue and opacity of a heat from 0 to 1.
    function colour(heat) {
      const stops = data.colours;
      let upper = 1;
      while (upper < stops.length - 1 && stops[upper][0] < heat) upper++;
      const [a, b] = [stops[upper - 1], stops[upper]];
      const part = (Math.min(1, Math.max(0, heat)) - a[0]) / (b[0] - a[0]);
      return [1, 2, 3, 4].map((index) => a[index] + (b[index] - a[index]) * part);
    }

    function paint(canvas, heats) {
      const context = canvas.getContext("2d");
      const pixels = context.createImageData(canvas.width, canvas.height);
      heats.forEach((heat, index) => {
        const [red, green, blue, opacity] = colour(heat);
        pixels.data.set([red, green, blue, 255 * opacity], 4 * index);
      });
      context.putImageData(pixels, 0, 0);
    }

    const percent = (share) => (100 * share).toPrecision(3) + " %";
    const drawing = document.querySelector(".heat svg");
    const detail = document.querySelector(".detail");
    const patches = [...drawing.querySelectorAll("rect[data-i]")];
    const cursor = drawing.querySelector(".cursor");
    const words = [...document.querySelectorAll(".word")];
    const own = document.getElementById("own");
    const picked = (name, usual) => document.querySelector(`input[name=${name}]:checked`)?.value ?? usual;
    let token = data.token;
    let seen = [];
    let heat = [];
    let patch = null;

    function explained(index) {
      patch = index;
      // A frame of its own, which no neighbour covers.
      for (const name of ["x", "y", "width", "height"]) cursor.setAttribute(name, patches[index].getAttribute(name));
      const row = Math.floor(index / data.grid) + 1, column = index % data.grid + 1;
      const rank = heat.map((row, word) => [row[index], word]).sort((x, y) => y[0] - x[0]).slice(0, 3);
      return [
        make("span", "name", `${data.tokens[token]} at row ${row}, column ${column}`),
        values([
          ["weight", percent(seen[token][index + data.leading])],
          ...(compares ? [
            ["more than least", percent(heat[token][index])],
            ["hottest here", rank.map(([value, word]) => `${data.tokens[word]} ${percent(value)}`).join(", ")],
          ] : []),
        ]),
      ];
    }

    function drawAnswer(block, head) {
      const { blocks, heads } = data.text;
      const isThere = block < blocks && (head === "mean" || Number(head) < heads);
      const [decoderBlock, decoderHead] = isThere ? [block, head] : [blocks - 1, "mean"];
      const rows = shares("text", decoderBlock, decoderHead);
      document.getElementById("decoder").textContent =
        `Text decoder, block ${decoderBlock}, ${decoderHead === "mean" ? "mean of its heads" : "head " + decoderHead}.`;
      const table = make("table", "",
        make("thead", "", make("tr", "", make("th", "", ""), ...data.tokens.map((text) => make("th", "", text)))),
        make("tbody", "", ...rows.map((row, index) => make("tr", "", make("td", "", data.answerTokens[index]),
          ...[...row].map((share) => {
            const cell = make("td", "", (100 * share).toFixed(1) + " %");
            cell.style.background = `color-mix(in srgb, var(--a) ${Math.round(70 * share)}%, transparent)`;
            return cell;
          })))));
      document.getElementById("answer").replaceChildren(table);
    }

    function drawToken() {
      const most = Math.max(...(own?.checked ? [heat[token]] : heat).map((row) => Math.max(...row)), 0);
      patches.forEach((mark, index) => {
        const [red, green, blue, opacity] = colour(most > 0 ? heat[token][index] / most : 0);
        mark.style.fill = `rgb(${Math.round(red)} ${Math.round(green)} ${Math.round(blue)} / ${opacity.toFixed(3)})`;
      });
      document.getElementById("most").textContent = percent(most) + (compares ? " more than the least" : "");
      for (const word of words) word.setAttribute("aria-pressed", Number(word.dataset.token) === token);
      if (patch !== null) detail.replaceChildren(...explained(patch));
    }

    function draw() {
      const block = Number(picked("block", 0)), head = picked("head", "mean");
      seen = shares("image", block, head);
      heat = seen.map((row) => row.slice(data.leading));
      for (let index = 0; compares && index < patches.length; index++) {
        const least = Math.min(...heat.map((row) => row[index]));
        for (const row of heat) row[index] -= least;
      }
      const most = Math.max(...heat.map((row) => Math.max(...row)), 0);
      for (const word of words) {
        const row = heat[Number(word.dataset.token)];
        const top = own?.checked ? Math.max(...row) : most;
        paint(word.querySelector("canvas"), [...row].map((value) => top > 0 ? value / top : 0));
      }
      if (data.text) drawAnswer(block, head);
      drawToken();
    }

    paint(document.getElementById("scale"), Array.from({ length: 200 }, (_, index) => index / 199));
    for (const input of document.querySelectorAll(".picks input, #own")) input.addEventListener("change", draw);
    for (const word of words) {
      const choose = () => {
        token = Number(word.dataset.token);
        drawToken();
      };
      word.addEventListener("click", choose);
      word.addEventListener("focus", choose);
      word.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") choose(); });
    }
    draw();
    explains([drawing], detail, explained);

    """#
}
