import Arrays
import Families
import NetFile
import Nets

extension VQAProfile.Image {
  /// The same for pictures of another side, in pixels.
  func taking(side newSide: Int) -> VQAProfile.Image {
    VQAProfile.Image(side: newSide, preparation.scaled(from: side, to: newSide))
  }
}

extension VisionTrunk {
  /// Brings the trunk and what prepares its pictures to one side.
  /// - Parameters:
  ///   - side: in pixels; nil: as the net's profile says, to which only nets whose profile it is interpolate positions.
  ///   - file: of the net.
  /// - Returns: how pictures are prepared.
  /// - Throws: `Failure` of kind `usage` for a side that the net can't take, `badData` when the net's profile and
  ///   configuration differ or more memory is needed than is allowed.
  mutating func fit(
    to image: VQAProfile.Image, side: Int?, _ file: NetFile
  ) throws(Failure) -> VQAProfile.Image {
    let profile = Family.known.first { $0.name == file.header.family }?.profiles
      .first { file.header.profile["name"] == .string($0.name) }
    guard channels == 3, side != nil || profile?.interpolates == true || imageSide == image.side else {
      throw Failure(
        .badData, file: file.path, "its profile and its configuration differ in the pictures they take",
        hint: "convert the checkpoint again")
    }
    guard side.map({ (1...4096).contains($0) }) != false else {
      throw Failure(.usage, "images have sides from 1 to 4096 pixels", hint: "give another --side")
    }
    let image = side.map(image.taking) ?? image
    guard image.preparation.isWithin(1...8192) else {
      throw Failure(
        .usage, file: file.path, "pictures of side \(image.side) would have to be made larger than 8192 before",
        hint: "give a smaller --side")
    }
    try checkMemory(activationElements(imageSide: image.side), file.path)
    do throws(Failure) { self = try taking(imageSide: image.side) } catch { throw error.inFile(file.path) }
    return image
  }
}
