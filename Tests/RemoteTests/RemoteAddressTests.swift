import Arrays
import Remote
import TestSupport
import Testing

@Suite struct RemoteAddressTests {
  @Test(
    arguments: [
      ("hf://gpt2", "gpt2", nil, nil), ("hf://acme/net", "acme/net", nil, nil),
      ("hf://acme/net/", "acme/net", nil, nil),
      ("hf://acme/net@v1.0", "acme/net", "v1.0", nil),
      ("hf://acme/net@refs%2Fpr%2F3/a/b.bin", "acme/net", "refs/pr/3", "a/b.bin"),
      ("hf://models/acme/net/config.json", "acme/net", nil, "config.json"),
      ("hf://gpt2@main/x.bin", "gpt2", "main", "x.bin"),
      ("https://huggingface.co/acme/net", "acme/net", nil, nil),
      ("https://huggingface.co/acme/net/tree/main/unet", "acme/net", "main", "unet"),
      ("https://huggingface.co/acme/net/blob/v2/model%20a.bin", "acme/net", "v2", "model a.bin"),
      (
        "https://HuggingFace.co/acme/net/resolve/main/model.safetensors?download=true", "acme/net", "main",
        "model.safetensors"
      ),
    ] as [(String, String, String?, String?)])
  func namesRepositories(_ text: String, _ name: String, _ revision: String?, _ path: String?) throws {
    #expect(RemoteAddress.isOne(text))
    #expect(try RemoteAddress(text) == .hub(repository: name, revision: revision, path: path))
  }

  @Test func namesFilesElsewhere() throws {
    #expect(try RemoteAddress("https://example.org/a.bin?x=1#y") == .web("https://example.org/a.bin?x=1"))
    #expect(try RemoteAddress("HTTP://Example.org:80/a") == .web("http://example.org/a"))
    #expect(try RemoteAddress("https://huggingface.co/datasets/a/b") == .web("https://huggingface.co/datasets/a/b"))
  }

  @Test(arguments: [
    ("hf://", "names no repository"), ("hf:///net", "names no repository"), ("hf://a b/net", "names no repository"),
    ("hf://acme/..", "names no repository"), ("hf://datasets/acme/net", "is of datasets, not of nets"),
    ("hf://acme/net@/x", "has a revision that is none"), ("hf://acme/net@%zz", "has a revision that can't be read"),
    ("hf://acme/net/../x", "names no file of a repository"), ("hf://acme/net/a//b", "names no file of a repository"),
    ("https://", "names no host"),
    ("https://user:secret@host/x", "has a name and a password in it, which would be seen by others"),
    ("https://host:0/x", "has a port that is none"),
    ("https://host/a b", "has characters that no address has, or too many"),
  ])
  func refuses(_ text: String, _ reason: String) {
    let failure = failure { _ = try RemoteAddress(text) }
    #expect(failure?.reason == reason)
    #expect(failure?.kind == .usage)
    #expect(failure?.file?.contains("secret") != true)
  }
}
