import Arrays
import Families
import NetFile
import TestSupport
import Testing

/// Keys of config.json besides those that say how large a net is. That each is right is what
/// tools/checks/check_configuration.py shows, which holds every key's values against the publisher's library.
@Suite struct ConfigurationKeyTests {
  private func notes(_ config: String, family name: String = "blip-vqa") throws -> [String] {
    let family = try Family.named(name)
    var settings = NetSettings(family, SmallFiles(folder: "", read: [("config.json", Array(config.utf8))]))
    _ = try settings.configuration(of: family.nets[0], family.combination(setting: []))
    return settings.notes.filter { $0.contains("nothing is known") }
  }

  static let refused: [(config: String, message: String)] = [
    (#"{"model_type":"blip","text_config":{"num_beams":3}}"#, "byte 48: text_config.num_beams is 3; supported: 1"),
    (
      #"{"model_type":"blip","text_config":{"min_length":2.5}}"#, "byte 49: text_config.min_length is 2.5; supported: 0"
    ),
    (
      #"{"model_type":"blip","text_config":{"suppress_tokens":[1]}}"#,
      "byte 54: text_config.suppress_tokens is [1]; supported: null"
    ),
    (
      #"{"model_type":"blip","text_config":{"is_decoder":false}}"#,
      "byte 49: text_config.is_decoder is false; supported: true"
    ),
    (
      #"{"model_type":"blip","vision_config":{"pruned_heads":{"0":[1]}}}"#,
      "byte 53: vision_config.pruned_heads is {\"0\":[1]}; supported: {}"
    ),
    (
      #"{"model_type":"blip","vision_config":{"image_size":[384,224]}}"#,
      "byte 51: vision_config.image_size is [384,224]; only squares are supported"
    ),
  ]

  @Test(arguments: refused)
  func whatWouldBeAnotherNetIsRefusedByName(config: String, message: String) {
    let error = failure { _ = try notes(config) }
    #expect(error?.withoutFile == message)
    #expect(error?.file == "/config.json" && error?.kind == .badData && error?.hint != nil)
  }

  @Test func whatHasNoInfluenceIsTaken() throws {
    let config = #"""
      {"model_type":"blip","text_config":{"num_beams":1.0,"top_k":7,"pruned_heads":{},"max_length":20,"tf_legacy_loss":true},
      "num_beams":4,"vision_config":{"num_beams":4,"image_size":[384,384]}}
      """#
    #expect(try notes(config).isEmpty)
    #expect(try notes(#"{"model_type":"vit","num_beams":4,"encoder_stride":8}"#, family: "vit-imagenet").isEmpty)
  }

  @Test func whatNothingIsKnownOfIsTold() throws {
    let config = #"{"model_type":"blip","future":1,"text_config":{"num_key_value_heads":2}}"#
    #expect(
      try notes(config)
        == ["config.json has settings that nothing is known of: future, text_config.num_key_value_heads"])
  }
}
