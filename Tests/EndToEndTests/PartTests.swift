import Arrays
import TestSupport
import Testing

/// `--all` and `--at`, and what is told of the rest of a file.
@Suite struct PartTests {
  private let folder = TemporaryFolder()
  private static let kinds = "Tests/CheckpointsTests/Fixtures/torch-kinds"

  private func run(_ arguments: String...) throws -> Run { try Run(arguments) }

  @Test func inspectTellsWhatElseThereIs() throws {
    let text = try run("inspect", "\(Self.kinds)/train-full.pt")
    #expect(text.status == 0)
    let rest = "also in the file\n  step: 7\n  optimizer_state: optimizer state: 12 arrays"
    #expect(text.output.contains(rest), "\(text.output)")
    #expect(text.output.contains("\n  seen: 2 arrays, 16 bytes\n"))
    #expect(!text.output.contains("loading it in Python"))
    let module = try run("inspect", "\(Self.kinds)/module.pt")
    #expect(module.output.contains("loading it in Python calls: trainer.Net, torch.nn.modules.container.ModuleList"))
    let json = try run("inspect", "\(Self.kinds)/hand-call.pt", "--json").json()
    #expect(try json.member("calls").strings() == ["posix.system"])
    #expect(try json.member("leftovers").array().map { try $0.member("name").string() } == ["other"])
    #expect(try !Paths.exists("/tmp/ingot-pwned"))
  }

  @Test func partsAreChosen() throws {
    let file = "\(Self.kinds)/gan.pt"
    func arrays(_ options: String...) throws -> [String] {
      let json = try Run(["inspect", file, "--json"] + options).json()
      return try json.member("arrays").array().map { try $0.member("name").string() }
    }
    #expect(try Set(arrays().map { $0.split(separator: ".")[0] }) == ["generator", "discriminator"])
    #expect(try arrays("--all").count == 33)
    #expect(try arrays("--at", "generator_ema") == arrays("--at", "generator"))
    let none = try run("inspect", file, "--at", "nothing")
    #expect(none.status == 66 && none.errors.contains("has no arrays at \"nothing\""))
    #expect(try run("inspect", file, "--all", "--at", "x").status == 64)
    #expect(try run("verify", "--all").status == 64)
  }

  @Test func convertsDiffersAndVerifiesParts() throws {
    let (file, shelf) = ("\(Self.kinds)/gan.pt", folder.file("shelf"))
    let convert = try Run(["convert", file, "--family", "plain", "--at", "generator_ema"], shelf: shelf)
    #expect(convert.status == 0, "\(convert.errors)")
    let net = "\(shelf)/plain/Name=gan.ingot"
    #expect(try run("verify", net, "--source", file, "--at", "generator_ema").status == 0)
    #expect(try run("verify", net, "--source", file, "--at", "generator").status == 1)
    // The net knows which part it has, and says so.
    #expect(try run("verify", net, "--source", file).status == 0)
    #expect(try run("inspect", net).output.contains("from layout plain, the arrays at \"generator_ema\""))
    let again = try Run(["convert", file, "--family", "plain", "--at", "generator"], shelf: shelf)
    #expect(again.status == 73)
    #expect(again.errors.contains("holds a net from another part of the checkpoint, which would be lost"))
    #expect(try Run(["convert", file, "--family", "plain", "--all", "--force"], shelf: shelf).status == 0)
    #expect(try run("inspect", net).output.contains("from layout plain, all arrays"))
    #expect(try run("verify", net, "--source", file).status == 0)
    #expect(
      try Run(["convert", file, "--family", "plain", "--at", "generator_ema", "--force"], shelf: shelf).status == 0)
    #expect(try run("diff", net, file, "--at", "generator_ema").status == 0)
    #expect(try run("diff", net, file, "--at", "generator").status == 1)
    let inspected = try run("inspect", net, "--all")
    #expect(inspected.status == 64 && inspected.errors.contains("is a net file, of which no part can be chosen"))
  }
}
