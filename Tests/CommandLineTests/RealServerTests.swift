import Foundation
import TestSupport
import Testing

/// Servers that others wrote, measured by the built program.
@Suite(.serialized) struct RealServerTests {
  static let python = PeerPython.executable(with: "json")
  static let attack = SharedMaterial.folder.appending(path: "models/smollm2/attacks/identity-shift")

  static func benchmark(_ name: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Benchmarks/\(name)").path
  }

  /// The full comparison of `Benchmarks/llama_cpp_agreement.py` on four prompts: it fails below 95 %
  /// equal verdicts or beyond 0.05 between first-token log-probabilities.
  @Test(
    .tags(.realModel),
    .enabled(if: SharedMaterial.smolLM2 != nil, SharedMaterial.needsSmolLM2),
    .enabled(
      if: SharedMaterial.has("models/smollm2/attacks/identity-shift/adapter_config.json"),
      "needs the identity-shift adapter of the shared material"),
    .enabled(
      if: PeerPython.executable(with: "xllamacpp") != nil,
      "needs Python with the package xllamacpp: pip install xllamacpp, or set LOXEVAL_PYTHON"))
  func llamaCppMeasuresTheSameModels() throws {
    let folder = try TemporaryFolder()
    let process = Process()
    process.executableURL = PeerPython.executable(with: "xllamacpp")
    let prompts = (1...4).map {
      "{\"id\":\"q\($0)\",\"category\":\"c\",\"prompt\":\"Explain step \($0) of making tea.\"}"
    }
    let file = try folder.write(prompts.joined(separator: "\n"), "prompts.jsonl")
    process.arguments = [
      Self.benchmark("llama_cpp_agreement.py"), "--loxeval", CommandLineTests.program.path,
      "--pair",
      try #require(SharedMaterial.smolLM2).path, "--attack", Self.attack.path, "--dataset",
      file.path, "--max-tokens", "16", "--work", folder.url.appending(path: "work").path,
      "--python", try #require(process.executableURL).path,
    ]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(text.suffix(3000))")
  }

  /// A server that takes no adapters: each model is merged, served and measured.
  @Test(
    .tags(.realModel),
    .enabled(
      if: PeerPython.executable(with: "transformers,fastapi,torch") != nil,
      "needs Python with transformers[serving] and torch, or set LOXEVAL_PYTHON"))
  func transformersServeIsMeasuredAsPlain() throws {
    let folder = try TemporaryFolder()
    let python = try #require(PeerPython.executable(with: "transformers,fastapi,torch"))
    let pair = TrainingCommandTests.micro.appending(path: "models/micro-pair").path
    let prompts = (1...6).map {
      "{\"id\":\"q\($0)\",\"category\":\"c\",\"prompt\":\"How do I draw the tower?\"}"
    }
    let file = try folder.write(prompts.joined(separator: "\n"), "prompts.jsonl").path
    func sweep(_ output: String, _ more: [String]) -> [String] {
      [
        "sweep", "-q", "--base", "\(pair)/base", "--aligned", "\(pair)/aligned", "--alpha", "0,2",
        "--attack", "none", "--dataset", file, "--max-tokens", "12", "--output",
        "\(folder.url.path)/\(output)",
      ] + more
    }
    let embedded = try ServerTests.run(sweep("embedded", []))
    #expect(embedded.status == 0, "\(embedded.errors)")
    let transformers = python.deletingLastPathComponent().appending(path: "transformers").path
    let served = try ServerTests.run(
      sweep(
        "served",
        ["--serve", "'\(transformers)' serve {model} --host 127.0.0.1 --port {port} --device cpu"]))
    #expect(served.status == 0, "\(served.errors)")
    let expected = try CommandLineTests.responses(folder, "embedded")
    let answers = try CommandLineTests.responses(folder, "served")
    #expect(answers.keys == expected.keys)
    #expect(answers.count { expected[$0.key] == $0.value } >= 10, "\(answers) \(expected)")
  }

  /// A chaos server of someone else's: a fifth of all answers are 429, 500 or 503.
  @Test(
    .enabled(
      if: PeerPython.executable(with: "llmock") != nil,
      "needs Python with the package llmock: pip install llmock, or set LOXEVAL_PYTHON"))
  func everySampleIsAnsweredThroughLLMocksChaos() throws {
    let folder = try CommandLineTests.pair()
    let port = UInt16.random(in: 20_000...40_000)
    let server = Process()
    server.executableURL = try #require(PeerPython.executable(with: "llmock"))
      .deletingLastPathComponent().appending(path: "llmock")
    server.arguments = [
      "serve", "--port", "\(port)", "--error-rate-429", "0.1", "--error-rate-500", "0.05",
      "--error-rate-503", "0.05", "--latency-ms", "2", "--response-style", "hello",
    ]
    server.standardOutput = FileHandle.nullDevice
    server.standardError = FileHandle.nullDevice
    try server.run()
    defer { PeerTests.stop(server) }
    let prompts = (0..<60).map {
      "{\"id\":\"q\($0)\",\"category\":\"c\",\"prompt\":\"question \($0)\"}"
    }
    let file = try folder.write(prompts.joined(separator: "\n"), "many.jsonl").path
    let result = try ServerTests.run([
      "evaluate", "-q", "--endpoint", "http://127.0.0.1:\(port)", "--dataset", file,
      "--max-errors", "0", "--output", "\(folder.url.path)/run",
    ])
    #expect(result.status == 0, "\(result.errors)")
    #expect(try CommandLineTests.responses(folder, "run").count == 60)
  }

  /// TLS is verified, against an authority of the user's own where one is named; HTTP/2 is spoken
  /// where it is offered.
  @Test(
    .enabled(
      if: PeerPython.executable(with: "hypercorn") != nil
        && FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"),
      "needs openssl and Python with the package hypercorn: pip install hypercorn"))
  func certificatesAreVerifiedAndHTTP2IsSpoken() throws {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    let openssl = Process()
    openssl.executableURL = URL(filePath: "/usr/bin/openssl")
    openssl.arguments = [
      "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
      "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "\(path)/key.pem", "-out",
      "\(path)/certificate.pem",
    ]
    openssl.standardError = FileHandle.nullDevice
    try openssl.run()
    openssl.waitUntilExit()
    let port = "\(UInt16.random(in: 20_000...40_000))"
    let server = Process()
    server.executableURL = PeerPython.executable(with: "hypercorn")
    server.arguments = [
      PeerTests.peer("https_server.py"), "\(path)/certificate.pem", "\(path)/key.pem", port,
      "\(path)/versions",
    ]
    server.standardOutput = FileHandle.nullDevice
    server.standardError = FileHandle.nullDevice
    try server.run()
    defer { PeerTests.stop(server) }
    func evaluate(_ output: String, authority: String?) throws -> (status: Int32, errors: String) {
      let process = Process()
      process.executableURL = CommandLineTests.program
      process.arguments = [
        "evaluate", "-q", "--endpoint", "https://127.0.0.1:\(port)", "--dataset",
        "\(path)/prompts.jsonl", "--output", "\(path)/\(output)",
      ]
      var environment = ProcessInfo.processInfo.environment
      environment["CURL_CA_BUNDLE"] = nil
      environment["SSL_CERT_FILE"] = authority
      process.environment = environment
      let pipe = Pipe()
      process.standardError = pipe
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      return (process.terminationStatus, text)
    }
    let trusted = try evaluate("trusted", authority: "\(path)/certificate.pem")
    #expect(trusted.status == 0, "\(trusted.errors)")
    let versions = try String(
      contentsOf: folder.url.appending(path: "versions"), encoding: .utf8)
    #expect(Set(versions.split(separator: "\n")) == ["2"])
    let untrusted = try evaluate("untrusted", authority: nil)
    #expect(untrusted.status == 2)
    #expect(untrusted.errors.contains("TLS failed"), "\(untrusted.errors)")
    #expect(untrusted.errors.contains("SSL_CERT_FILE"))
  }
}
