extension PageScript {
  /// Of maps of pictures.
  static let features = #"""
    const map = document.querySelector(".features .heat svg");
    const marks = [...map.querySelectorAll("[data-i]")];
    const links = document.getElementById("links");
    let places = data.tsne ?? data.pca;
    let shown = null;

    function picture(index) {
      const source = marks[index].querySelector("image")?.getAttribute("href");
      if (!source) return [];
      const image = make("img", "");
      image.src = source;
      image.alt = "";
      return [image];
    }

    // Lines to the nearest neighbours.
    function link(index) {
      links.replaceChildren(...data.points[index].near.slice(0, 3).map(([other]) => {
        const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
        line.setAttribute("x1", places[2 * index]);
        line.setAttribute("y1", places[2 * index + 1]);
        line.setAttribute("x2", places[2 * other]);
        line.setAttribute("y2", places[2 * other + 1]);
        return line;
      }));
    }

    explains([map], document.querySelector(".detail"), (index) => {
      shown = index;
      link(index);
      const point = data.points[index];
      const near = point.near.map(([other, cosine]) => make("li", "", ...picture(other),
        make("div", "", data.points[other].name, document.createElement("br"),
          make("span", "", `cosine ${cosine.toFixed(4)}` + (data.points[other].class ? ", " + data.points[other].class : "")))));
      return [
        ...picture(index), make("span", "name", point.name), ...(point.class ? [values([["class", point.class]])] : []),
        make("ul", "near", ...near),
      ];
    });

    for (const input of document.querySelectorAll("input[name=map]")) {
      input.addEventListener("change", () => {
        places = data[input.value];
        marks.forEach((mark, index) => {
          mark.setAttribute("transform", `translate(${places[2 * index]} ${places[2 * index + 1]})`);
        });
        if (shown !== null) link(shown);
      });
    }

    """#
}
