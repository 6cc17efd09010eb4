// swift-tools-version: 6.2
import PackageDescription

// Fuzzing of every reader of untrusted bytes, by libFuzzer; `tools/fuzz/run` builds and runs it. The sources are the
// project's own, through symbolic links, so that `package` declarations are visible here.

/// What libFuzzer watches is instrumented; the rest is built as it is.
func watched(
  _ name: String, _ dependencies: [Target.Dependency], _ more: [SwiftSetting] = [], at path: String? = nil
) -> Target {
  .target(
    name: name, dependencies: dependencies, path: path,
    swiftSettings: [
      .strictMemorySafety(), .enableUpcomingFeature("ExistentialAny"), .unsafeFlags(["-sanitize=fuzzer"]),
    ]
      + more)
}

let package = Package(
  name: "IngotFuzzing",
  targets: [
    .systemLibrary(name: "CLibCrypto", path: "Sources/CLibCrypto", pkgConfig: "libcrypto"),
    .systemLibrary(name: "CZstd", path: "Sources/CZstd", pkgConfig: "libzstd"),
    .systemLibrary(name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib"),
    .systemLibrary(name: "CSystemCalls", path: "Sources/CSystemCalls"),
    .target(name: "CEnding"),
    .target(name: "CDigests"),
    .target(name: "CSigning", dependencies: ["CLibCrypto"]),
    .target(name: "CFamilyFiles"),
    .target(name: "CLoading"),
    .target(name: "CKernels", dependencies: ["CLoading"]),
    .target(
      name: "CImages", dependencies: ["CLoading"], cSettings: [.unsafeFlags(["-fsanitize=fuzzer-no-link"])],
      linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("png16")]),
    watched(
      "Arrays", ["CLibCrypto", "CZstd", "CZlib", "CSystemCalls", "CEnding", "CDigests"],
      [.enableExperimentalFeature("Lifetimes")]),
    watched("Signing", ["Arrays", "CSigning"]),
    .target(name: "CFetch", dependencies: ["CLoading"]),
    watched("Remote", ["Arrays", "CFetch"]),
    watched("Checkpoints", ["Arrays", "Remote"]),
    watched("NetFile", ["Arrays"]),
    .target(name: "Kernels", dependencies: ["Arrays", "CKernels"]),
    .target(name: "Nets", dependencies: ["Arrays", "Kernels", "NetFile"]),
    watched("Families", ["Arrays", "Checkpoints", "NetFile", "Nets", "CFamilyFiles"]),
    watched("Media", ["Arrays", "CImages"]),
    watched("Text", ["Arrays", "NetFile"]),
    watched("Tasks", ["Arrays", "Checkpoints", "NetFile", "Families", "Kernels", "Nets", "Media", "Text"]),
    watched("Assurance", ["Arrays", "Checkpoints", "NetFile", "Families", "Kernels", "Media", "Tasks"]),
    .target(
      name: "FuzzTargets",
      dependencies: [
        "Arrays", "Signing", "Remote", "Assurance", "Checkpoints", "Families", "NetFile", "Media", "Text", "Tasks",
      ],
      path: "Targets", swiftSettings: [.strictMemorySafety()]),
    // What the server reads of requests, on the library's public face alone.
    watched(
      "Ingot", ["Arrays", "Checkpoints", "Families", "NetFile", "Media", "Remote", "Tasks"], at: "Sources/IngotLibrary"),
    watched("IngotRequests", ["Ingot"], at: "ServerSources/IngotRequests"),
    .target(
      name: "RequestTargets", dependencies: ["Ingot", "IngotRequests"], path: "ServerSources/RequestTargets"),
    .executableTarget(
      name: "fuzz", dependencies: ["FuzzTargets", "RequestTargets"], path: "Driver",
      swiftSettings: [.strictMemorySafety(), .unsafeFlags(["-parse-as-library"])],
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])]),
  ]
)
