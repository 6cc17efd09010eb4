import Arrays
import CFetch
import Remote
import TestSupport
import Testing

/// Which addresses are the world's, by IANA's registries, and what isn't fetched before anybody is asked.
@Suite struct PublicFetchTests {
  @Test(arguments: [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.255", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.9.9",
    "198.51.100.1", "203.0.113.7", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1",
    "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "100::1", "2001::1", "2001:1::1", "2001:db8::1",
    "2002:7f00:1::", "3fff::1", "fc00::1", "fd12::1", "fe80::1", "ff02::1", "4000::1", "text", "", "127.1", "0x7f.1",
  ])
  func isNotOfTheWorld(address: String) { #expect(unsafe ingot_fetch_is_public(address) == 0) }

  @Test(arguments: [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.0.0.1", "128.0.0.1",
    "169.253.0.1", "172.15.255.255", "172.32.0.0", "192.0.1.1", "192.167.1.1", "198.17.0.1", "198.20.0.1",
    "223.255.255.255", "2001:200::1", "2001:4860:4860::8888", "2606:4700::1111", "2a00:1450::1", "3ffe::1",
  ])
  func isOfTheWorld(address: String) { #expect(unsafe ingot_fetch_is_public(address) == 1) }

  @Test func othersHostsAreNotAsked() throws {
    func found(_ address: String, _ hosts: [String]) -> Failure? {
      failure { _ = try PublicFetch.bytes(of: address, from: hosts, limit: .requestBytes, seconds: 2) }
    }
    for (address, hosts) in [
      ("https://example.org/a.png", []), ("https://example.org/a.png", ["example.com"]),
      ("https://example.org:8443/a.png", ["example.org"]), ("http://sub.example.org/", ["example.org"]),
      ("ftp://example.org/", ["example.org"]), ("http://a:b@example.org/", ["example.org"]), ("/etc/passwd", [""]),
    ] {
      #expect(found(address, hosts)?.kind == .usage, "\(address)")
    }
    // Allowed by name, but this machine's own.
    for host in ["127.0.0.1", "localhost", "[::1]", "0.0.0.0"] {
      #expect(found("http://\(host)/a.png", [host])?.kind == .unavailable, "\(host)")
    }
  }
}
