// swift-tools-version: 6.2
import PackageDescription

/// One set of rules for every Swift target: the strictest the compiler offers.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

/// A library room: `dependencies` name only rooms above it in the list below.
func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// The tests of one room, with what they borrow from others.
func tests(
  _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
  .testTarget(
    name: "\(name)Tests",
    dependencies: [.byName(name: name), "TestSupport"] + dependencies, exclude: exclude,
    swiftSettings: strict)
}

let package = Package(
  name: "loxeval",
  products: [.executable(name: "loxeval", targets: ["loxeval"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
    .package(url: "https://github.com/swiftcsv/SwiftCSV", from: "0.10.0"),
  ],
  targets: [
    // C: two system libraries, and the arithmetic that needs the processor's vector instructions.
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev", "liblapacke-dev"])]),
    .systemLibrary(
      name: "CLibcurl", pkgConfig: "libcurl",
      providers: [.apt(["libcurl4-openssl-dev"])]),
    // Optimised in debug builds too: the tests run real models.
    .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3", "-fno-math-errno"])]),

    // Values that several rooms pass on.
    room("Chat"),
    // Programs of the user's own.
    .target(name: "CSpawn"),
    room("Commands", ["CSpawn"]),

    // Weights: arithmetic, files, the method.
    room("LinearAlgebra", ["COpenBLAS", "CKernels"]),
    room("Checkpoints", ["LinearAlgebra", .product(name: "Crypto", package: "swift-crypto")]),
    room("LoX", ["CKernels", "LinearAlgebra", "Checkpoints"]),

    // Models: what they say, and what fine-tuning does to them.
    room("LanguageModel", ["CKernels", "Chat", "LinearAlgebra", "Checkpoints"]),
    room("Attacks", ["Commands", "LinearAlgebra", "Checkpoints", "LoX", "LanguageModel"]),

    // Asking: the client, and a server to ask.
    room("Inference", ["Chat", "CLibcurl"]),
    room(
      "LocalServer",
      [
        "Chat", "Checkpoints", "LanguageModel",
        .product(name: "FlyingFox", package: "FlyingFox"),
        .product(name: "FlyingSocks", package: "FlyingFox"),
      ]),

    // Measuring.
    room("Scoring", ["Chat", "Checkpoints", "LinearAlgebra"]),
    room(
      "Evaluation",
      [
        "Chat", "Commands", "LinearAlgebra", "Checkpoints", "LoX", "LanguageModel", "Attacks",
        "Inference", "LocalServer", "Scoring", .product(name: "SwiftCSV", package: "SwiftCSV"),
      ]),
    room(
      "Reporting",
      [
        "Checkpoints", "Chat", "Scoring", "Evaluation",
        .product(name: "Crypto", package: "swift-crypto"),
      ]),

    // The command line: one file per subcommand.
    .executableTarget(
      name: "loxeval",
      dependencies: [
        "Chat", "Commands", "LinearAlgebra", "Checkpoints", "LoX", "LanguageModel", "Attacks",
        "Inference", "LocalServer", "Scoring", "Evaluation", "Reporting",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),

    // Tests: one target per room.
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
    .target(
      name: "TinyModel", dependencies: ["LinearAlgebra", "Checkpoints"], path: "Tests/TinyModel",
      swiftSettings: strict),
    tests("Commands"),
    tests("LinearAlgebra"),
    tests("Checkpoints", ["LinearAlgebra"]),
    tests("LoX", ["LinearAlgebra", "Checkpoints", "TinyModel"]),
    tests("LanguageModel", ["CKernels", "Chat", "LinearAlgebra", "Checkpoints", "TinyModel"]),
    tests("Attacks", ["LinearAlgebra", "Checkpoints", "LanguageModel", "LoX", "TinyModel"]),
    tests("Inference", ["Chat"]),
    tests(
      "LocalServer",
      ["Chat", "LinearAlgebra", "Checkpoints", "LanguageModel", "Inference", "TinyModel"]),
    tests("Scoring", ["Chat"], exclude: ["Golden"]),
    tests("Evaluation", ["Chat", "Checkpoints", "Scoring"], exclude: ["FirstRelease"]),
    tests("Reporting", ["Chat", "Scoring", "Evaluation"], exclude: ["Snapshots"]),
    .testTarget(
      name: "CommandLineTests", dependencies: ["TestSupport", "TinyModel", "loxeval"],
      exclude: ["Peers"],
      swiftSettings: strict),
  ]
)
