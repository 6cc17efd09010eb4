import CZlib

/// The checksum of zip and gzip files, of bytes that come in pieces.
package struct CRC32 {
  private var sum: UInt = 0

  package init() {}

  package var value: UInt32 { UInt32(truncatingIfNeeded: sum) }

  package mutating func update(_ bytes: borrowing RawSpan) {
    sum = unsafe bytes.withUnsafeBytes { bytes in
      unsafe crc32_z(sum, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
    }
  }
}
