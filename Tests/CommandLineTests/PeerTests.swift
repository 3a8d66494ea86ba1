import Foundation
import TestSupport
import Testing

/// Programs that others wrote, against the built program.
@Suite(.serialized) struct PeerTests {
  /// Starts a server for a test and returns its address.
  static func serve(_ arguments: [String]) throws -> (Process, address: String) {
    let (server, output, _) = try CommandLineTests.start(["serve", "-q"] + arguments)
    var line = ""
    while !line.hasSuffix("\n") {
      let data = output.fileHandleForReading.readData(ofLength: 1)
      try #require(!data.isEmpty, "the server ended")
      line += String(decoding: data, as: UTF8.self)
    }
    return (server, line.trimmingCharacters(in: .whitespacesAndNewlines))
  }

  static func stop(_ server: Process) {
    kill(server.processIdentifier, SIGKILL)
    server.waitUntilExit()
  }

  static func peer(_ name: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Peers/\(name)").path
  }

  /// Runs a peer's script; it fails by an assertion.
  static func run(_ script: String, with package: String, _ arguments: [String]) throws {
    let process = Process()
    process.executableURL = PeerPython.executable(with: package)
    process.arguments = [peer(script)] + arguments
    let pipe = Pipe()
    process.standardError = pipe
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let errors = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(errors.suffix(3000))")
  }

  @Test(
    .enabled(
      if: PeerPython.executable(with: "openai") != nil,
      "needs Python with the package openai: pip install openai, or set LOXEVAL_PYTHON"))
  func theOpenAIPackageIsServed() throws {
    let folder = try CommandLineTests.pair()
    let (server, address) = try Self.serve(["--model", "\(folder.url.path)/aligned"])
    defer { Self.stop(server) }
    try Self.run("openai_client.py", with: "openai", [address, "aligned"])
  }

  /// A log-likelihood task, through the server and through the harness's own model.
  @Test(
    .tags(.realModel),
    .enabled(
      if: PeerPython.executable(with: "lm_eval") != nil,
      "needs Python with lm-eval: pip install 'lm-eval[api]', or set LOXEVAL_PYTHON"))
  func theEvaluationHarnessScoresAsItsOwnModelDoes() throws {
    let model = TrainingCommandTests.micro.appending(path: "models/micro-pair/aligned").path
    let (server, address) = try Self.serve(["--model", model, "--model-name", "micro"])
    defer { Self.stop(server) }
    try Self.run("lm_eval_task.py", with: "lm_eval", [address, "micro", model])
  }

  private static let templates = "golden/chat-templates"
  private static let served = [
    "llamacpp__Qwen-Qwen3-0.6B", "llamacpp__meta-llama-Llama-3.2-3B-Instruct",
    "llamacpp__google-gemma-2-2b-it",
  ]

  /// Published templates in the place of the micro pair's.
  @Test(
    .tags(.realModel),
    .enabled(
      if: PeerPython.executable(with: "transformers") != nil,
      "needs Python with the package transformers: pip install transformers, or set LOXEVAL_PYTHON"),
    .enabled(if: SharedMaterial.has(templates), "needs shared/golden/chat-templates"),
    arguments: served)
  func promptsAreThoseOfTransformers(template: String) throws {
    let model = TrainingCommandTests.micro.appending(path: "models/micro-pair/aligned").path
    let file = SharedMaterial.folder.appending(path: "\(Self.templates)/\(template).jinja").path
    let (server, address) = try Self.serve(["--model", model, "--template", file])
    defer { Self.stop(server) }
    try Self.run("chat_templates.py", with: "transformers", [address, model, file])
  }

  @Test(
    .tags(.realModel),
    .enabled(
      if: PeerPython.executable(with: "peft") != nil,
      "needs Python with peft and transformers: pip install peft, or set LOXEVAL_PYTHON"),
    arguments: ["lora", "full"])
  func peftLoadsATrainedAdapter(method: String) throws {
    let folder = try TemporaryFolder()
    let model = TrainingCommandTests.micro.appending(path: "models/micro-pair/aligned").path
    let adapter = "\(folder.url.path)/adapter"
    let made = try TrainingCommandTests.run([
      "attack", "--model", model, "--dataset",
      TrainingCommandTests.micro.appending(path: "datasets/micro/identity-shift.jsonl").path,
      "--method", method, "--epochs", "4", "--learning-rate", "1e-3", "--output", adapter, "-q",
    ])
    try #require(made.status == 0, "\(made.errors)")
    let (server, address) = try Self.serve(["--model", model, "--adapter", adapter])
    defer { Self.stop(server) }
    try Self.run("peft_logits.py", with: "peft", [model, adapter, address])
  }

  @Test(
    .tags(.realModel),
    .enabled(
      if: PeerPython.executable(with: "trl") != nil,
      "needs Python with the package trl: pip install trl, or set LOXEVAL_PYTHON"))
  func trlTrainsAnAttack() throws {
    let folder = try TemporaryFolder()
    let root = TrainingCommandTests.micro
    let python = try #require(PeerPython.executable(with: "trl")).path
    let result = try TrainingCommandTests.run([
      "attack", "--model", root.appending(path: "models/micro-pair/aligned").path, "--dataset",
      root.appending(path: "datasets/micro/benign-tuning.jsonl").path, "--command",
      "'\(python)' '\(Self.peer("trl_train.py"))' {model} {data} {output} {seed}", "--output",
      "\(folder.url.path)/adapter", "-q",
    ])
    #expect(result.status == 0, "\(result.errors)")
    #expect(
      FileManager.default.fileExists(
        atPath: "\(folder.url.path)/adapter/adapter_model.safetensors"))
  }

  @Test(
    .tags(.realModel),
    .enabled(
      if: PeerPython.executable(with: "peft") != nil,
      "needs Python with peft and transformers: pip install peft, or set LOXEVAL_PYTHON"),
    arguments: ["all", "linear"])
  func peftLoadsAnExtrapolation(targets: String) throws {
    let folder = try TemporaryFolder()
    let models = TrainingCommandTests.micro.appending(path: "models/micro-pair").path
    let adapter = "\(folder.url.path)/lox"
    let made = try TrainingCommandTests.run([
      "extrapolate", "--base", "\(models)/base", "--aligned", "\(models)/aligned", "--alpha", "0.5",
      "--targets", targets, "--as", "adapter", "--output", adapter, "-q",
    ])
    try #require(made.status == 0, "\(made.errors)")
    let (server, address) = try Self.serve(["--model", "\(models)/aligned", "--adapter", adapter])
    defer { Self.stop(server) }
    try Self.run("peft_logits.py", with: "peft", ["\(models)/aligned", adapter, address])
  }

  /// The aligned SmolLM2 as llama.cpp reads it.
  static var smolLM2GGUF: URL? {
    SharedMaterial.smolLM2.map { $0.appending(path: "aligned-f16.gguf") }
      .flatMap { FileManager.default.fileExists(atPath: $0.path) ? $0 : nil }
  }

  /// An extrapolation of the SmolLM2 pair in llama.cpp's server, as a GGUF adapter, and in ours, as a
  /// PEFT adapter: of the linear layers, and with a head of its own.
  @Test(
    .tags(.realModel), .enabled(if: SharedMaterial.smolLM2 != nil, SharedMaterial.needsSmolLM2),
    .enabled(
      if: PeerPython.executable(with: "xllamacpp") != nil,
      "needs Python with the package xllamacpp: pip install xllamacpp, or set LOXEVAL_PYTHON"),
    .enabled(
      if: PeerPython.executable(with: "gguf") != nil,
      "needs Python with the package gguf: pip install gguf, or set LOXEVAL_PYTHON"),
    .enabled(if: smolLM2GGUF != nil, "needs aligned-f16.gguf beside the SmolLM2 pair"),
    arguments: ["linear", "lm_head|_proj"])
  func llamaCppAppliesAnExtrapolation(targets: String) throws {
    let folder = try TemporaryFolder()
    var pair = try #require(SharedMaterial.smolLM2).path
    if targets != "linear" {
      try Self.run("untie_head.py", with: "gguf", [pair, folder.url.path])
      pair = folder.url.path
    }
    for format in ["peft", "gguf"] {
      let made = try TrainingCommandTests.run([
        "extrapolate", "--base", "\(pair)/base", "--aligned", "\(pair)/aligned", "--targets",
        targets, "--as", "adapter", "--adapter-format", format, "--output",
        "\(folder.url.path)/lox.\(format)", "-q",
      ])
      try #require(made.status == 0, "\(made.errors)")
    }
    let (server, address) = try Self.serve([
      "--model", "\(pair)/aligned", "--adapter", "\(folder.url.path)/lox.peft",
    ])
    defer { Self.stop(server) }
    try Self.run(
      "gguf_logits.py", with: "xllamacpp",
      ["\(pair)/aligned-f16.gguf", "\(folder.url.path)/lox.gguf", address])
  }
}
