import Arrays
import Signing

extension FuzzTarget {
  /// The file of a signature, what one is of, or a file of certificates.
  static let signature = FuzzTarget("signature") { bytes in
    let (choice, rest) = bytes.choice(of: 3)
    switch choice {
    case 0:
      let bundle = try SignatureBundle(parsing: rest)
      let again = try sure("a bundle written again") { try SignatureBundle(parsing: bundle.text) }
      try expect(again == bundle, "a bundle written again is another")
    case 1:
      let manifest = try SignedManifest(parsing: rest)
      for item in manifest.items where item.name != "." {
        let parts = item.name.split(separator: "/", omittingEmptySubsequences: false)
        try expect(!parts.contains { ["", ".", ".."].contains($0) }, "leads out: \(item.name)")
      }
      let again = try sure("a list written again") { try SignedManifest(parsing: manifest.payload) }
      try expect(again == manifest, "a list written again is another")
    default:
      for certificate in try Certificate.read(pem: rest) {
        try expect(!certificate.subject.utf8.contains { $0 < 0x20 }, "a name with more than one line")
        _ = (certificate.issuer, certificate.maySign)
        if let key = try ifFound({ () throws(Failure) in try EllipticKey.of(certificate) }) {
          try expect(key.isSame(as: key), "a key that isn't itself")
        }
      }
    }
  }
}
