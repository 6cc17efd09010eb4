// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "Ask",
  dependencies: [.package(name: "Ingot", path: "../..")],
  targets: [.executableTarget(name: "Ask", dependencies: [.product(name: "Ingot", package: "Ingot")])])
