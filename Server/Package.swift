// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that the library and the command stay without a network server's dependencies.
let settings: [SwiftSetting] =
  [.enableUpcomingFeature("ExistentialAny")]
  + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

let package = Package(
  name: "IngotServer",
  products: [.executable(name: "ingot-serve", targets: ["IngotServe"])],
  dependencies: [
    .package(name: "Ingot", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // What reads requests: of bytes and texts alone, without a network, so that it can be tested and fuzzed by itself.
    .target(
      name: "IngotRequests", dependencies: [.product(name: "Ingot", package: "Ingot")], swiftSettings: settings),
    .target(
      name: "IngotServer",
      dependencies: [
        "IngotRequests", .product(name: "Ingot", package: "Ingot"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      resources: [.embedInCode("Page/page.html")], swiftSettings: settings),
    .executableTarget(
      name: "IngotServe",
      dependencies: [
        "IngotServer", .product(name: "Ingot", package: "Ingot"), .product(name: "Logging", package: "swift-log"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/ingot-serve", swiftSettings: settings),
    // What is fuzzed, by tools/fuzz/run; here, what that found is replayed.
    .target(
      name: "RequestTargets", dependencies: ["IngotRequests", .product(name: "Ingot", package: "Ingot")],
      swiftSettings: settings),
    // Seeds are read from the checkout.
    .testTarget(
      name: "IngotRequestsTests",
      dependencies: ["IngotRequests", "RequestTargets", .product(name: "Ingot", package: "Ingot")], exclude: ["Seeds"]),
  ]
)
