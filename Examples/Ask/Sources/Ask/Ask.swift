// Casts the demo checkpoint into net files, if that wasn't done yet, and asks about a picture.
//
//     swift run -c release --package-path Examples/Ask Ask weights/demo /tmp/shelf weights/demo/pictures/red-circle-0004.png
import Ingot

@main
struct Ask {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard let checkpoint = arguments.first, let shelf = arguments.dropFirst().first, let path = arguments.dropFirst(2).first
    else { return print("usage: Ask CHECKPOINT SHELF PICTURE") }

    try convert(checkpoint, toShelf: shelf, parameters: ["Release": "demo"])
    let vqa = try VisualQuestionAnswering(shelf: shelf, parameters: ["Release": "demo"])
    let image = try vqa.look(at: Picture(path))
    for question in ["what shape is in the image?", "what color is the shape?", "is there a circle?"] {
      print(question, try vqa.answer(question, about: image).text)
    }
  }
}
