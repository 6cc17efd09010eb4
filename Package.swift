// swift-tools-version: 6.2
import PackageDescription

// Every target is held to strict memory safety: a use of an unsafe construct must be written as such. They stand where C
// is called: the system in `Arrays`, the kernels in `Kernels`, pictures and children where these are used. Warnings are
// errors where CI is set.
let settings: [SwiftSetting] =
  [.strictMemorySafety(), .enableUpcomingFeature("ExistentialAny")]
  + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// Tests read their fixtures from the checkout, so that these aren't copied at every build.
func tests(_ name: String, _ dependencies: [Target.Dependency], hasFixtures: Bool = false) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["Arrays", "TestSupport"], exclude: hasFixtures ? ["Fixtures"] : [])
}

let package = Package(
  name: "Ingot",
  products: [
    .executable(name: "ingot", targets: ["IngotCommand"]),
    .library(name: "Ingot", targets: ["Ingot"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    // C libraries: a module map and a shim each, nothing else.
    .systemLibrary(name: "CLibCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CSystemCalls"),
    // What a signal that ends the process leaves to do: a handler may only call what C gives it.
    .target(name: "CEnding"),
    // Two digests at once, by processors' instructions.
    .target(name: "CDigests"),
    // Signatures by keys and certificates, by OpenSSL's libcrypto.
    .target(name: "CSigning", dependencies: ["CLibCrypto"]),
    // The family files of schemas/families as bytes inside the binary.
    .target(name: "CFamilyFiles"),
    // What keeps the child processes of the two below small, short and harmless.
    .target(name: "CChild"),
    // HTTP by libcurl, which is loaded at run time, when an address is asked.
    .target(name: "CFetch", dependencies: ["CLoading"]),
    // Libraries that are loaded at run time, of which the program's file tells in notes.
    .target(name: "CLoading"),
    // HDF5 by libhdf5, which is loaded at run time, in a child process only.
    .target(name: "CHDF5", dependencies: ["CChild", "CLoading"]),
    // Videos by FFmpeg's libraries, which are loaded at run time, in a child process only.
    .target(name: "CVideo", dependencies: ["CChild", "CLoading"]),
    // The hot loops of running a net, for several kinds of processors.
    .target(name: "CKernels", dependencies: ["CLoading"]),
    // Pictures, decoded by libjpeg and libpng, and by libwebp and libtiff when one is met.
    .target(
      name: "CImages", dependencies: ["CLoading"],
      linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("png16")]),

    // Dependencies point one way only: every target names those below it.
    .target(
      name: "Arrays", dependencies: ["CLibCrypto", "CZstd", "CZlib", "CSystemCalls", "CEnding", "CDigests"],
      // A getter that lends its bytes (`Array.rawSpan`) needs this feature.
      swiftSettings: settings + [.enableExperimentalFeature("Lifetimes")]),
    library("Signing", ["Arrays", "CSigning"]),
    library("Remote", ["Arrays", "CFetch"]),
    library("Checkpoints", ["Arrays", "Remote"]),
    library("NetFile", ["Arrays"]),
    library("Kernels", ["Arrays", "CKernels"]),
    library("Nets", ["Arrays", "Kernels", "NetFile"]),
    library("Families", ["Arrays", "Remote", "Checkpoints", "NetFile", "Nets", "CFamilyFiles"]),
    // Nets as graphs of operators, which other runtimes run.
    library("Graphs", ["Arrays", "Checkpoints", "NetFile", "Kernels", "Nets", "Families"]),
    library("Media", ["Arrays", "CImages"]),
    library("Text", ["Arrays", "NetFile"]),
    library("Tasks", ["Arrays", "Checkpoints", "NetFile", "Families", "Kernels", "Nets", "Media", "Text"]),
    library("Assurance", ["Arrays", "Checkpoints", "NetFile", "Families", "Kernels", "Media", "Tasks"]),
    library(
      "Reports",
      [
        "Arrays", "Signing", "Remote", "Checkpoints", "NetFile", "Families", "Graphs", "Kernels", "Nets", "Media",
        "Tasks",
        "Assurance",
      ]),
    // The library product: the public face of the targets above.
    .target(
      name: "Ingot", dependencies: ["Arrays", "Checkpoints", "Families", "NetFile", "Media", "Remote", "Tasks"],
      path: "Sources/IngotLibrary", swiftSettings: settings),
    // Its module can't be called like the library's: some file systems take upper for lower case.
    .executableTarget(
      name: "IngotCommand",
      dependencies: [
        "Arrays", "Signing", "Remote", "Checkpoints", "NetFile", "Families", "Graphs", "Kernels", "Media", "Text",
        "Tasks",
        "Assurance", "Reports", "CChild", "CHDF5", "CVideo",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/ingot", swiftSettings: settings),

    .target(name: "TestSupport", dependencies: ["Arrays", "Checkpoints"], path: "Tests/TestSupport"),
    // What is fuzzed, by tools/fuzz/run; here, what that found is replayed.
    .target(
      name: "FuzzTargets",
      dependencies: [
        "Arrays", "Signing", "Remote", "Assurance", "Checkpoints", "Families", "NetFile", "Media", "Text", "Tasks",
      ],
      path: "tools/fuzz/Targets", swiftSettings: settings),
    tests("GraphsTests", ["Checkpoints", "Families", "Graphs", "NetFile", "Nets"]),
    tests("FuzzTests", ["FuzzTargets"]),
    tests("ArraysTests", [], hasFixtures: true),
    // Those who read HDF5 run the command as their child.
    tests("CheckpointsTests", ["Checkpoints", "IngotCommand"], hasFixtures: true),
    tests("SigningTests", ["Signing"], hasFixtures: true),
    tests("RemoteTests", ["CFetch", "Checkpoints", "Remote"]),
    tests("KernelsTests", ["Kernels", "CKernels"]),
    tests("NetsTests", ["Kernels", "Nets", "NetFile"]),
    tests("NetFileTests", ["NetFile", "Checkpoints"], hasFixtures: true),
    tests(
      "FamiliesTests", ["Assurance", "Checkpoints", "Families", "NetFile", "Nets", "IngotCommand"], hasFixtures: true),
    // Those who look at videos run it too.
    tests("MediaTests", ["Media", "IngotCommand"], hasFixtures: true),
    tests("TextTests", ["Families", "NetFile", "Text"], hasFixtures: true),
    tests(
      "TasksTests",
      ["Assurance", "Checkpoints", "Families", "Kernels", "NetFile", "Media", "Tasks", "IngotCommand"],
      hasFixtures: true),
    tests(
      "AssuranceTests",
      ["Assurance", "Checkpoints", "Families", "Kernels", "NetFile", "Media", "Tasks", "IngotCommand"],
      hasFixtures: true),
    tests("ReportsTests", ["Reports"]),
    tests(
      "EndToEndTests", ["IngotCommand", "CHDF5", "Checkpoints", "Families", "NetFile", "Nets", "Media"]),
  ]
)
