import Arrays
import Media
import Tasks

/// What a question looked at, as a page: block, head and word are chosen in it.
public struct AttentionPage {
  private let attention: QuestionAttention
  private let choice: AttentionChoice
  private let source: Picture
  private let name: String

  /// Longer side of the picture in pixels.
  private static let side = 512
  /// Most weights that are embedded; of more, the means over heads are. At 2 bytes each, in Base64, the page stays below
  /// 5 MB.
  private static let mostWeights = 1_650_000

  /// - Parameter name: of the picture.
  public init(_ attention: QuestionAttention, _ choice: AttentionChoice, over picture: Picture, name: String) {
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
    let question = shortened(attention.question, to: 400)
    let answer: HTML = attention.answer.text.isEmpty ? "<i>nothing</i>" : HTML(text: attention.answer.text)
    let answerNote: HTML = """
      For each token of the answer, its end included: the shares of attention that the question’s tokens had when it was \
      chosen. <span id="decoder"></span>
      """
    let table: HTML =
      "<div class=\"box\" tabindex=\"0\" role=\"region\" aria-label=\"the answer’s attention\" id=\"answer\"></div>"
    let body: HTML = """
      <h1>\(question)</h1>
      <p class="lead">answered <b class="a">\(answer)</b> about <span class="name">\(shortened(Paths.name(name), to: 200))\
      </span></p>
      \(HTML.section("What each word looks at", note: note, try drawing(picture)))
      \(HTML.section("What the answer looks at", note: answerNote, table))
      """
    return HTMLPage(
      title: attention.question, body: body, data: data, script: PageScript.attention, style: PageStyle.looking)
  }

  private var note: HTML {
    """
    Cross-attention of the text encoder over \(attention.grid) × \(attention.grid) patches. Drawn is how much more a word \
    looks at a patch than the word that looks there least. Weights are in this page as 16-bit floating-point numbers, off \
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
    return """
      \(choices)
      <label class="switch"><input type="checkbox" id="own"> a scale of its own for each word</label>
      <div class="words" role="group" aria-label="words of the question">\(words)</div>
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
    if hasHeads {
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
    let text = attention.text
    return .object([
      "tokens": .strings(attention.tokens.map { printable(shortened($0.text, to: 60)) }),
      "answerTokens": .strings(attention.answerTokens.map { printable(shortened($0.text, to: 60)) }),
      "grid": .integer(attention.grid), "token": .integer(choice.tokens[busiest]),
      "image": .object([
        "blocks": .integer(image.blocks), "heads": .integer(hasHeads ? image.heads : 1), "rows": .integer(image.rows),
        "columns": .integer(image.columns), "weights": halves(elements),
      ]),
      "text": .object([
        "blocks": .integer(text.blocks), "heads": .integer(text.heads), "rows": .integer(text.rows),
        "columns": .integer(text.columns), "weights": halves(text.elements),
      ]), "colours": HeatColours.json,
    ])
  }

  /// The token with the greatest heat, which the page begins with: its place among those shown.
  private var busiest: Int {
    let heat = attention.heat(block: choice.block, head: choice.head)
    let most = choice.tokens.map { heat[$0].max() ?? 0 }
    return most.indices.max { most[$0] < most[$1] } ?? 0
  }
}
