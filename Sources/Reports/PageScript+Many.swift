extension PageScript {
  /// Of maps with so many pictures that they are drawn on a canvas.
  static let manyFeatures = #"""
    const canvas = document.querySelector(".features canvas");
    const pen = canvas.getContext("2d");
    const detail = document.querySelector(".detail");
    const count = data.names.length;
    const pictured = new Map(data.pictured.map((index, place) => [index, place]));
    const loaded = new Map();
    // By class, so that a colour is set once; those without one come first.
    const order = [...Array(count).keys()];
    if (data.of) order.sort((a, b) => data.of[a] - data.of[b]);
    const start = { x: data.width / 2, y: data.height / 2, scale: 1 };
    // The middle of what is seen, and how near it is.
    let view = { ...start };
    let places = data.tsne ?? data.pca;
    let shown = null;
    let isHeld = false;
    let isWaiting = false;

    // Pixels of the screen for one of the drawing.
    const factor = () => canvas.clientWidth / data.width * view.scale;
    const across = (index) => (places[2 * index] - view.x) * factor() + canvas.clientWidth / 2;
    const down = (index) => (places[2 * index + 1] - view.y) * factor() + canvas.clientHeight / 2;
    const colour = (index) => data.of && data.of[index] >= 0 ? data.colours[data.of[index]] : null;

    function soon() {
      if (isWaiting) return;
      isWaiting = true;
      requestAnimationFrame(() => { isWaiting = false; draw(); });
    }

    function address(index) {
      return pictured.has(index) ? "data:image/jpeg;base64," + data.pictures[pictured.get(index)] : null;
    }

    // The picture once it is there; it is drawn as soon as it is.
    function image(index) {
      if (!loaded.has(index)) {
        const made = new Image();
        made.addEventListener("load", soon);
        made.src = address(index);
        loaded.set(index, made);
      }
      const found = loaded.get(index);
      return found.complete && found.naturalWidth ? found : null;
    }

    function draw() {
      const [wide, high] = [canvas.clientWidth, canvas.clientHeight];
      const ratio = window.devicePixelRatio || 1;
      canvas.width = Math.round(wide * ratio);
      canvas.height = Math.round(high * ratio);
      pen.scale(ratio, ratio);
      const style = getComputedStyle(document.documentElement);
      const [ink, soft] = [style.getPropertyValue("--ink"), style.getPropertyValue("--soft")];
      const seen = order.filter((index) => {
        const [x, y] = [across(index), down(index)];
        return x > -24 && y > -24 && x < wide + 24 && y < high + 24;
      });
      const side = Math.max(1.5, Math.min(7, 260 / Math.sqrt(Math.max(1, seen.length))));
      let last = undefined;
      for (const index of seen) {
        const next = colour(index) ?? soft;
        if (next !== last) pen.fillStyle = last = next;
        pen.fillRect(across(index) - side / 2, down(index) - side / 2, side, side);
      }
      // Near enough: as many pictures as there is room for.
      const pictures = seen.filter((index) => pictured.has(index));
      const room = wide * high / 2 / 36 ** 2;
      if (pictures.length <= room) for (const index of pictures) picture(index, soft);
      canvas.dataset.pictures = pictures.length <= room ? pictures.length : 0;
      if (shown === null) return;
      pen.strokeStyle = ink;
      pen.lineWidth = 1.5;
      for (const other of data.near[shown].slice(0, 3)) {
        pen.beginPath();
        pen.moveTo(across(shown), down(shown));
        pen.lineTo(across(other), down(other));
        pen.stroke();
      }
      if (pictured.has(shown)) picture(shown, ink);
      pen.beginPath();
      pen.arc(across(shown), down(shown), Math.max(5, side), 0, 7);
      if (!pictured.has(shown)) pen.stroke();
    }

    function picture(index, soft) {
      const found = image(index);
      if (!found) return;
      const most = 36 / Math.max(found.naturalWidth, found.naturalHeight);
      const [wide, high] = [found.naturalWidth * most, found.naturalHeight * most];
      const [x, y] = [across(index) - wide / 2, down(index) - high / 2];
      pen.fillStyle = index === shown ? soft : colour(index) ?? soft;
      pen.fillRect(x - 2, y - 2, wide + 4, high + 4);
      pen.drawImage(found, x, y, wide, high);
    }

    function thumbnail(index) {
      if (!pictured.has(index)) return [];
      const made = make("img", "");
      made.src = address(index);
      made.alt = "";
      return [made];
    }

    function name(index) { return data.of && data.of[index] >= 0 ? data.classes[data.of[index]] : null; }

    function show(index) {
      if (index === shown) return;
      shown = index;
      const near = data.near[index].map((other, place) => {
        const button = make("button", "", data.names[other]);
        button.type = "button";
        button.addEventListener("click", () => { isHeld = true; show(other); reveal(other); });
        const note = `cosine ${data.cosines[index][place].toFixed(4)}` + (name(other) ? ", " + name(other) : "");
        return make("li", "", ...thumbnail(other), make("div", "", button, document.createElement("br"), make("span", "", note)));
      });
      detail.replaceChildren(...thumbnail(index), make("span", "name", data.names[index]),
        ...(name(index) ? [values([["class", name(index)]])] : []), make("ul", "near", ...near));
      soon();
    }

    // Moves the view to where an image is, if it is outside.
    function reveal(index) {
      const [x, y] = [across(index), down(index)];
      if (x < 20 || y < 20 || x > canvas.clientWidth - 20 || y > canvas.clientHeight - 20) {
        view.x = places[2 * index];
        view.y = places[2 * index + 1];
      }
      soon();
    }

    // The image at a place of the canvas, or near it.
    function at(x, y) {
      let [best, least] = [null, 14 ** 2];
      for (let index = 0; index < count; index++) {
        const distance = (across(index) - x) ** 2 + (down(index) - y) ** 2;
        if (distance < least) [best, least] = [index, distance];
      }
      return best;
    }

    // So that what is at a place of the canvas stays there.
    function zoom(by, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
      const scale = Math.max(1, Math.min(400, view.scale * by));
      const [toX, toY] = [(x - canvas.clientWidth / 2), (y - canvas.clientHeight / 2)];
      const before = factor();
      const [onX, onY] = [view.x + toX / before, view.y + toY / before];
      view.scale = scale;
      view.x = onX - toX / factor();
      view.y = onY - toY / factor();
      keep();
      soon();
    }

    // What is seen stays on the drawing.
    function keep() {
      const half = { x: data.width / 2 / view.scale, y: data.height / 2 / view.scale };
      view.x = Math.max(half.x, Math.min(data.width - half.x, view.x));
      view.y = Math.max(half.y, Math.min(data.height - half.y, view.y));
    }

    function all() { view = { ...start }; soon(); }

    const fingers = new Map();
    let moved = 0;
    canvas.addEventListener("pointerdown", (event) => {
      fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
      if (event.isTrusted) canvas.setPointerCapture(event.pointerId);
      moved = 0;
    });
    canvas.addEventListener("pointermove", (event) => {
      const old = fingers.get(event.pointerId);
      if (!old) {
        const index = event.pointerType === "mouse" && !isHeld ? at(event.offsetX, event.offsetY) : null;
        if (index !== null) show(index);
        return;
      }
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
      const now = [event.offsetX, event.offsetY];
      fingers.set(event.pointerId, now);
      moved += Math.hypot(now[0] - old[0], now[1] - old[1]);
      if (other) {
        const length = (place) => Math.max(1, Math.hypot(place[0] - other[0], place[1] - other[1]));
        zoom(length(now) / length(old), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
        return;
      }
      view.x -= (now[0] - old[0]) / factor();
      view.y -= (now[1] - old[1]) / factor();
      keep();
      soon();
    });
    for (const kind of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(kind, (event) => {
        const wasOne = fingers.size === 1;
        fingers.delete(event.pointerId);
        if (kind === "pointercancel" || !wasOne || moved > 5) return;
        const index = at(event.offsetX, event.offsetY);
        isHeld = index !== null;
        if (isHeld) show(index);
      });
    }
    canvas.addEventListener("wheel", (event) => {
      if (document.activeElement !== canvas && !event.ctrlKey) return;
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 300), event.offsetX, event.offsetY);
    }, { passive: false });

    // The nearest image that lies in a direction.
    function next(toX, toY) {
      if (shown === null) return at(canvas.clientWidth / 2, canvas.clientHeight / 2) ?? 0;
      let [best, least] = [shown, Infinity];
      for (let index = 0; index < count; index++) {
        const [x, y] = [places[2 * index] - places[2 * shown], places[2 * index + 1] - places[2 * shown + 1]];
        const along = x * toX + y * toY;
        const aside = Math.abs(x * toY) + Math.abs(y * toX);
        if (along <= 0 || aside > 2 * along) continue;
        const cost = along + 2 * aside;
        if (cost < least) [best, least] = [index, cost];
      }
      return best;
    }
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
      const change = { "+": 1.5, "=": 1.5, "-": 1 / 1.5, "−": 1 / 1.5 }[event.key];
      if (event.ctrlKey || event.metaKey || (!step && !change && event.key !== "0")) return;
      event.preventDefault();
      if (step) {
        isHeld = true;
        const index = next(...step);
        show(index);
        reveal(index);
      } else if (change) {
        if (shown === null) zoom(change); else zoom(change, across(shown), down(shown));
      } else {
        all();
      }
    });
    const [nearer, farther, whole] = document.querySelectorAll(".zoom button");
    nearer.addEventListener("click", () => zoom(1.6));
    farther.addEventListener("click", () => zoom(1 / 1.6));
    whole.addEventListener("click", all);

    for (const input of document.querySelectorAll("input[name=map]")) {
      input.addEventListener("change", () => { places = data[input.value]; all(); });
    }
    window.addEventListener("resize", soon);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", soon);
    draw();

    """#
}
