// swift-tools-version: 6.2
import PackageDescription

/// Whether `make fuzz` is building: it needs one program more. Ordinary builds see none of it.
let isFuzzing = Context.environment["LOXEVAL_FUZZ"] != nil

/// The targets of tests that `make sanitize` builds; nil for all.
let testsToBuild = Context.environment["LOXEVAL_TESTS"]?.split(separator: ",").map(String.init)

/// One set of rules for every Swift target: the strictest the compiler offers.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

/// What libFuzzer sees of a room: which branches an input took.
let watched: [SwiftSetting] =
  isFuzzing ? [.unsafeFlags(["-sanitize=fuzzer", "-enable-testing"])] : []

/// A library room: `dependencies` name only rooms above it in the list below.
func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict + watched)
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

/// What `make fuzz` runs: readers of foreign bytes under libFuzzer.
let fuzzers: [Target] = [
  .systemLibrary(name: "CLibFuzzer", path: "Fuzz/CLibFuzzer"),
  .executableTarget(
    name: "loxeval-fuzz",
    dependencies: [
      "CLibFuzzer", "Support", "Checkpoints", "Jinja", "Tokenization", "ModelAccess", "HTTP",
      "Inference", "PromptSets", "Scoring", "Runs",
    ],
    path: "Fuzz", exclude: ["CLibFuzzer", "Corpora", "Dictionaries"], swiftSettings: strict,
    // The toolchain's own linker: gold ends with an internal error.
    linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])]),
]

let package = Package(
  name: "loxeval",
  products: [.executable(name: "loxeval", targets: ["loxeval"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
  ],
  targets: [
    // C: three system libraries, and the arithmetic that needs the processor's vector instructions.
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev", "liblapacke-dev"])]),
    .systemLibrary(
      name: "CLibcurl", pkgConfig: "libcurl",
      providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(
      name: "CMicrohttpd", pkgConfig: "libmicrohttpd",
      providers: [.apt(["libmicrohttpd-dev"]), .brew(["libmicrohttpd"])]),
    // Optimised in debug builds too: the tests run real models.
    .target(
      name: "CKernels", cSettings: [.unsafeFlags(["-O3", "-fno-math-errno"])],
      linkerSettings: [.linkedLibrary("m")]),

    // Starting programs in a group of their own.
    .target(name: "CSpawn"),

    // Files that are mapped, and what becomes of one that cannot be read any more; reads past the system's cache.
    .target(name: "CMapping"),

    // Nothing of the field: JSON and CSV, digests, files, random numbers, other programs.
    room(
      "Support",
      [
        "CSpawn", .product(name: "Crypto", package: "swift-crypto"),
      ]),

    // Weights: arithmetic, files, the method.
    room("LinearAlgebra", ["COpenBLAS", "CKernels", "Support"]),
    room(
      "Checkpoints",
      [
        "CKernels", "CMapping", "Support", "LinearAlgebra",
        .product(name: "Crypto", package: "swift-crypto"),
      ]),
    room("LoX", ["Support", "LinearAlgebra", "Checkpoints"]),

    // The template language of chat templates.
    room("Jinja", ["Support"]),

    // Models: what they read, what they say, and what fine-tuning does to them.
    room("Tokenization", ["Support"]),
    room("ModelAccess"),
    // What a study crosses: treatments, attacks, prompt attacks, cells, as values.
    room("StudyDesign", ["Support"]),
    room("ChatTemplates", ["Support", "Jinja", "Tokenization", "ModelAccess"]),
    room(
      "Decoder",
      [
        "CKernels", "Support", "LinearAlgebra", "Checkpoints", "Tokenization", "ModelAccess",
        "ChatTemplates",
      ]),
    room(
      "Defences", ["Support", "LinearAlgebra", "Checkpoints", "LoX", "StudyDesign"]),
    room(
      "Attacks",
      [
        "Support", "LinearAlgebra", "Checkpoints", "LoX", "Tokenization", "ModelAccess",
        "ChatTemplates", "StudyDesign", "Decoder",
      ]),

    // The network: bytes by HTTP, and models by their names on a hub.
    room("HTTP", ["Support", "ModelAccess", "CLibcurl"]),
    room(
      "Hub",
      ["Support", "ModelAccess", "HTTP", .product(name: "Crypto", package: "swift-crypto")]),

    // Asking: the client, and a server to ask.
    room("Inference", ["Support", "ModelAccess", "HTTP"]),
    room(
      "LocalServer",
      [
        "Support", "LinearAlgebra", "Checkpoints", "Tokenization", "ModelAccess", "ChatTemplates",
        "Decoder", "CMicrohttpd",
      ]),

    // Measuring: what is asked, what the replies are, where they are kept, how a study runs.
    room("PromptSets", ["Support", "ModelAccess"]),
    room("Scoring", ["Support", "ModelAccess"]),
    room("Runs", ["Support", "ModelAccess", "StudyDesign", "Scoring"]),
    room(
      "Studies",
      [
        "Support", "LinearAlgebra", "Checkpoints", "LoX", "ModelAccess", "StudyDesign",
        "ChatTemplates", "Decoder", "Defences", "Attacks", "HTTP", "Inference", "LocalServer",
        "PromptSets", "Scoring", "Runs",
      ]),

    // Telling: conclusions, then how they look.
    room("Analysis", ["Support", "ModelAccess", "StudyDesign", "Scoring", "Runs"]),
    room(
      "Reporting",
      [
        "Support", "ModelAccess", "StudyDesign", "Scoring", "Runs", "Analysis",
        .product(name: "Crypto", package: "swift-crypto"),
      ]),

    // The command line: one file per subcommand.
    .executableTarget(
      name: "loxeval",
      dependencies: [
        "Support", "LinearAlgebra", "Checkpoints", "LoX", "Tokenization", "ModelAccess",
        "StudyDesign", "ChatTemplates", "Decoder", "Defences", "Attacks", "HTTP", "Hub",
        "Inference", "LocalServer", "PromptSets", "Scoring", "Runs", "Studies", "Analysis",
        "Reporting",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),

    // Tests: one target per room.
    .target(name: "CThreadSanitizer", path: "Tests/CThreadSanitizer"),
    .target(
      name: "TestSupport",
      dependencies: [
        "CThreadSanitizer", "Support", .product(name: "Crypto", package: "swift-crypto"),
      ],
      path: "Tests/TestSupport",
      swiftSettings: strict),
    .target(
      name: "TinyModel", dependencies: ["LinearAlgebra", "Checkpoints"], path: "Tests/TinyModel",
      swiftSettings: strict),
    .target(
      name: "TinyTokenizer", dependencies: ["Tokenization"], path: "Tests/TinyTokenizer",
      swiftSettings: strict),
    .target(
      name: "TinyRun",
      dependencies: [
        "Support", "ModelAccess", "StudyDesign", "PromptSets", "Scoring", "Runs", "Analysis",
      ],
      path: "Tests/TinyRun", swiftSettings: strict),
    .executableTarget(
      name: "kernel-checks", dependencies: ["CKernels"], path: "Tests/KernelChecks"),
    .testTarget(
      name: "CKernelsTests", dependencies: ["kernel-checks", "TestSupport", "Support"],
      swiftSettings: strict),
    tests("Support"),
    tests("LinearAlgebra", ["Support"]),
    tests("Checkpoints", ["Support", "LinearAlgebra"]),
    tests(
      "LoX", ["Support", "LinearAlgebra", "Checkpoints", "TinyModel"], exclude: ["Golden"]),
    tests("Jinja", ["Support"], exclude: ["Cases", "Peers"]),
    tests(
      "Tokenization", ["Support", "ModelAccess", "ChatTemplates", "TinyTokenizer"],
      exclude: ["Peers"]),
    tests(
      "ChatTemplates", ["Support", "Jinja", "Tokenization", "ModelAccess", "TinyTokenizer"]),
    tests(
      "Decoder",
      [
        "CKernels", "Support", "LinearAlgebra", "Checkpoints", "Tokenization", "ModelAccess",
        "ChatTemplates", "TinyModel",
      ], exclude: ["Peers"]),
    tests(
      "Attacks",
      [
        "Support", "LinearAlgebra", "Checkpoints", "LoX", "ModelAccess", "ChatTemplates",
        "StudyDesign", "Decoder", "TinyModel",
      ]),
    tests("HTTP", ["Support"]),
    tests("Hub", ["Support", "HTTP"], exclude: ["Peers"]),
    tests("Inference", ["Support", "ModelAccess", "HTTP"]),
    tests(
      "LocalServer",
      [
        "Support", "LinearAlgebra", "Checkpoints", "ModelAccess", "ChatTemplates", "Decoder",
        "HTTP", "Inference", "TinyModel",
      ]),
    tests("PromptSets", ["Support", "ModelAccess"]),
    tests("Scoring", ["Support", "ModelAccess"], exclude: ["Golden"]),
    tests(
      "Runs", ["Support", "ModelAccess", "StudyDesign", "Scoring", "Analysis", "TinyRun"],
      exclude: ["FirstRelease"]),
    tests("StudyDesign", ["Support"]),
    tests(
      "Defences",
      ["Support", "LinearAlgebra", "Checkpoints", "LoX", "StudyDesign", "TinyModel"]),
    tests(
      "Studies",
      [
        "Support", "LinearAlgebra", "ModelAccess", "StudyDesign", "Checkpoints", "LoX",
        "Tokenization", "ChatTemplates", "Decoder", "Defences", "Attacks", "HTTP",
        "Inference", "PromptSets", "Scoring", "Runs", "Analysis", "TinyRun", "TinyModel",
      ]),
    tests("Analysis", ["Support", "ModelAccess", "StudyDesign", "Scoring", "Runs", "TinyRun"]),
    tests(
      "Reporting",
      [
        "Support", "ModelAccess", "StudyDesign", "PromptSets", "Scoring", "Runs", "Analysis",
        "TinyRun",
      ],
      exclude: ["Snapshots"]),
    .testTarget(
      name: "CommandLineTests",
      dependencies: [
        "TestSupport", "TinyModel", "Support", "loxeval",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      exclude: ["Peers"],
      swiftSettings: strict),
  ] + (isFuzzing ? fuzzers : [])
)

if let testsToBuild {
  package.targets.removeAll { $0.type == .test && !testsToBuild.contains($0.name) }
}
