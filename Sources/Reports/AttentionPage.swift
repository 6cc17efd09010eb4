import Arrays
import Media
import Tasks

/// What looked at an image, as a page: block, head and word are chosen in it.
public struct AttentionPage {
  private let attention: ImageAttention
  private let choice: AttentionChoice
  private let source: Picture
  private let name: String

  /// Longer side of the picture in pixels.
  private static let side = 512
  /// Most weights that are embedded; of more, the means over heads are. At 2 bytes each, in Base64, the page stays below
  /// 5 MB.
  private static let mostWeights = 1_650_000

  /// - Parameter name: of the picture.
  public init(_ attention: ImageAttention, _ choice: AttentionChoice, over picture: Picture, name: String) {
    self.attention = attention
    self.choice = choice
    source = picture
    self.name = name
  }

  private var hasHeads: Bool { attention.image.elements.count <= Self.mostWeights }

  /// - Throws: `Failure` of kind `usage` when there are more weights than a page can hold, `io` when memory is short.
  public func page() throws(Failure) -> HTMLPage {
    let shown = attention.image
    guard hasHeads || shown.blocks * shown.rows * shown.columns <= Self.mostWeights else {
      throw Failure(.usage, "there are more weights than a page can hold", hint: "write a .safetensors file")
    }
    let picture = try source.scaled(longerSide: Self.side)
    let answerNote: HTML = """
      For each token of the answer, its end included: the shares of attention that the question’s tokens had when it was \
      chosen. <span id="decoder"></span>
      """
    let table: HTML? =
      attention.answer == nil
      ? nil
      : "<div class=\"box\" tabindex=\"0\" role=\"region\" aria-label=\"the answer’s attention\" id=\"answer\"></div>"
    let heading = attention.subject == .classToken ? "Block by block" : "What each word looks at"
    var body: HTML = """
      <h1>\(shortened(attention.title, to: 400))</h1>
      <p class="lead">\(lead) <span class="name">\(shortened(Paths.name(name), to: 200))</span></p>
      \(HTML.section(heading, note: note, try drawing(picture)))
      """
    if let table { body += HTML.section("What the answer looks at", note: answerNote, table) }
    return HTMLPage(
      title: attention.title, body: body, data: data, script: PageScript.attention, style: PageStyle.looking)
  }

  private var lead: HTML {
    switch attention.subject {
    case .question(_, let answer):
      let told: HTML = answer.isEmpty ? "<i>nothing</i>" : HTML(text: answer)
      return "answered <b class=\"a\">\(told)</b> about"
    case .caption: return "said about"
    case .classToken: return "in"
    }
  }

  private var note: HTML {
    let drawn: HTML =
      switch attention.subject {
      case .question:
        """
        Cross-attention of the text encoder over \(attention.grid) × \(attention.grid) patches. Drawn is how much more a \
        word looks at a patch than the word that looks there least.
        """
      case .caption:
        """
        Cross-attention of the text decoder over \(attention.grid) × \(attention.grid) patches, of the step that made a \
        word. Drawn is how much more it looked at a patch than the step that looked there least.
        """
      case .classToken:
        """
        Attention of the image encoder’s class token over \(attention.grid) × \(attention.grid) patches. Drawn is its \
        share of each patch; what it gives to itself is not drawn.
        """
      }
    return """
      \(drawn) Weights are in this page as 16-bit floating-point numbers, off \
      by \(HTML(text: "0.05")) % of themselves at most\(hasHeads ? "" : ", and as means over all heads").
      """
  }

  private func drawing(_ picture: Picture) throws(Failure) -> HTML {
    let bytes = base64(try picture.jpeg(quality: 88))
    let words = choice.tokens.map { index -> HTML in
      """
      <button type="button" class="word" data-token="\(index)" aria-pressed="false">\
      <canvas width="\(attention.grid)" height="\(attention.grid)" aria-hidden="true"></canvas>\
      <span>\(shortened(attention.tokens[index].text, to: 60))</span></button>
      """
    }
    let (width, height, grid) = (Double(picture.width), Double(picture.height), attention.grid)
    let patches = (0..<grid * grid).map { patch -> HTML in
      let (left, right) = (Double(patch % grid) * width / Double(grid), Double(patch % grid + 1) * width / Double(grid))
      let (top, bottom) = (
        Double(patch / grid) * height / Double(grid), Double(patch / grid + 1) * height / Double(grid)
      )
      return """
        <rect data-i="\(patch)" x="\(left, 2)" y="\(top, 2)" width="\(right - left, 2)" height="\(bottom - top, 2)"/>
        """
    }
    let scales: HTML =
      attention.comparesTokens
      ? "<label class=\"switch\"><input type=\"checkbox\" id=\"own\"> a scale of its own for each word</label>" : ""
    return """
      \(choices)
      \(scales)
      <div class="words" role="group" aria-label="what looks">\(words)</div>
      <div class="looking">
      <figure class="heat"><svg viewBox="0 0 \(picture.width) \(picture.height)" tabindex="0" role="img" \
      aria-label="heat over the picture; the arrow keys go through its patches">
      <image width="\(picture.width)" height="\(picture.height)" preserveAspectRatio="none" \
      href="data:image/jpeg;base64,\(bytes)"/>
      \(patches)
      <rect class="cursor" width="0" height="0"/></svg>
      <figcaption><span>0</span><canvas id="scale" width="200" height="1" aria-hidden="true"></canvas>\
      <span id="most"></span></figcaption></figure>
      <div class="aside">
      <div class="detail" aria-live="polite"><p class="note">Point at a patch, tap it, or go there by the arrow keys.</p></div>
      <noscript><p>The heat is drawn by a script, which is switched off here.</p></noscript>
      </div>
      </div>
      """
  }

  private var choices: HTML {
    func radio(_ group: String, _ value: String, _ label: String, _ isChosen: Bool) -> HTML {
      let checked: HTML = isChosen ? " checked" : ""
      return "<label><input type=\"radio\" name=\"\(group)\" value=\"\(value)\"\(checked)>\(label)</label>"
    }
    let blocks = (0..<attention.image.blocks).map { radio("block", "\($0)", "\($0)", $0 == choice.block) }
    var out: HTML = "<fieldset class=\"choices picks\"><legend>block</legend>\(blocks)</fieldset>"
    if hasHeads, attention.image.heads > 1 {
      let heads = (0..<attention.image.heads).map { radio("head", "\($0)", "\($0)", $0 == choice.head) }
      out += """
        <fieldset class="choices picks"><legend>head</legend>\(radio("head", "mean", "mean", choice.head == nil))\(heads)\
        </fieldset>
        """
    }
    return out
  }

  private var data: JSONValue {
    let image = attention.image
    let elements =
      hasHeads
      ? image.elements
      : (0..<image.blocks).flatMap { image.shares(block: $0, head: nil).flatMap { $0.map { Float($0) } } }
    func halves(_ numbers: [Float]) -> JSONValue {
      let bytes = Floats.bytes(numbers)
      return .string(base64(FloatConversion.convert(bytes.rawSpan, from: .float32, to: .float16)))
    }
    let text = attention.answer
    return .object([
      "tokens": .strings(attention.tokens.map { printable(shortened($0.text, to: 60)) }),
      "answerTokens": text.map { .strings($0.tokens.map { printable(shortened($0.text, to: 60)) }) },
      "grid": .integer(attention.grid), "leading": .integer(attention.leading),
      "token": .integer(choice.tokens[busiest]),
      "image": .object([
        "blocks": .integer(image.blocks), "heads": .integer(hasHeads ? image.heads : 1), "rows": .integer(image.rows),
        "columns": .integer(image.columns), "weights": halves(elements),
      ]),
      "text": text.map { text in
        .object([
          "blocks": .integer(text.weights.blocks), "heads": .integer(text.weights.heads),
          "rows": .integer(text.weights.rows), "columns": .integer(text.weights.columns),
          "weights": halves(text.weights.elements),
        ])
      }, "colours": HeatColours.json,
    ])
  }

  /// The token with the greatest heat, which the page begins with: its place among those shown.
  private var busiest: Int {
    let heat = attention.heat(block: choice.block, head: choice.head)
    let most = choice.tokens.map { heat[$0].max() ?? 0 }
    return most.indices.max { most[$0] < most[$1] } ?? 0
  }
}
