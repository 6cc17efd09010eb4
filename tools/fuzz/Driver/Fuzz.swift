import FuzzTargets
import Glibc
import RequestTargets

/// The reader that `FUZZ_TARGET` names.
private let read: ([UInt8]) throws -> Void = {
  let name = unsafe getenv("FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
  if let target = FuzzTarget.all.first(where: { $0.name == name }) { return { try target.run($0) } }
  if let target = RequestTarget.all.first(where: { $0.name == name }) { return { try target.run($0) } }
  let names = FuzzTarget.all.map(\.name) + RequestTarget.all.map(\.name)
  fatalError("FUZZ_TARGET is none of \(names.joined(separator: ", "))")
}()

/// What libFuzzer calls with every input.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  do {
    try read(unsafe Array(UnsafeBufferPointer(start: bytes, count: count)))
  } catch {
    fatalError("\(error)")
  }
  return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// The program begins here: the package manager leaves libFuzzer's own `main` no place.
@c(fuzz_main)
public func begin(_ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> Int32 {
  var (count, arguments) = unsafe (count, arguments)
  return unsafe runDriver(&count, &arguments, testOneInput)
}
