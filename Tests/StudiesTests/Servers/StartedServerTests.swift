import Checkpoints
import Foundation
import ModelAccess
import Support
import TestSupport
import Testing

@testable import Inference
@testable import Studies

/// Servers that are started for a run: real programs that answer as their kinds do.
@Suite struct StartedServerTests {
  /// A server in some lines of Python: `serve.py PORT MODEL [--lora FILE]…`. It answers by its model's
  /// weights and the adapters' scales, and speaks llama-server's dialect where it has adapters.
  static let program = """
    import hashlib, http.server, json, os, sys
    port, model, files = int(sys.argv[1]), sys.argv[2], sys.argv[4::2]
    files = [f for f in files if f.endswith(".gguf")]
    weights = hashlib.sha256(open(os.path.join(model, "model.safetensors"), "rb").read()).hexdigest()
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def log_message(self, *ignored): pass
        def send(self, value, status=200):
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        def do_GET(self):
            if self.path == "/v1/models": self.send({"data": [{"id": model}]})
            elif self.path == "/health": self.send({})
            elif self.path == "/lora-adapters" and files:
                self.send([{"id": i, "path": f} for i, f in enumerate(files)])
            else: self.send({}, 404)
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            key = weights + json.dumps(asked.get("lora", []))
            number = int(hashlib.sha256(key.encode()).hexdigest()[:6], 16)
            self.send({"model": asked.get("model"), "choices": [{"index": 0,
                "message": {"content": f"model {number}"}, "finish_reason": "stop",
                "logprobs": {"content": [{"logprob": -number / 2 ** 24}]}}]})
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
    """

  static let python = ProcessInfo.processInfo.environment["LOXEVAL_PYTHON"] ?? "python3"
  static let hasPython: Bool = {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "loxeval-python-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    return (try? SupervisedCommand("\(python) -c ''", log: folder))?.waitUntilExit() == 0
  }()

  static func source(_ study: TinyStudy, _ command: String) throws -> StartedServer {
    let script = try study.folder.write(Self.program, "serve.py")
    return StartedServer(
      command: CommandTemplate("exec \(python) '\(script.path)' \(command)"),
      connection: quickConnection, startSeconds: 900, maxRestarts: 1)
  }

  /// The processes that were started for a study.
  static func processes(_ study: TinyStudy) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { name in
      (try? String(contentsOfFile: "/proc/\(name)/cmdline", encoding: .utf8))?
        .contains(study.folder.url.path) == true
    }
  }

  @Test(.enabled(if: hasPython, "needs python3, or LOXEVAL_PYTHON"))
  func oneServerHasAllAdaptersAndIsGoneAfterwards() async throws {
    let study = try TinyStudy()
    let source = try Self.source(study, "{port} {model} {lora}")
    let (texts, description) = try await RunningServersTests.answers(source, study)
    #expect(Set(texts).count == 3)
    #expect(description == "llama-server \(study.models.checkpoint.folder.absoluteURL.path)")
    #expect(try Self.processes(study).isEmpty)
  }

  @Test(.enabled(if: hasPython, "needs python3, or LOXEVAL_PYTHON"))
  func aServerIsStartedForEachMergedModelAndNothingIsLeft() async throws {
    let study = try TinyStudy()
    let source = try Self.source(study, "{port} {model}")
    let (texts, description) = try await RunningServersTests.answers(source, study)
    #expect(Set(texts).count == 3)
    #expect(description == "plain")
    #expect(try Self.processes(study).isEmpty)
    let run = study.models.run
    #expect(
      try FileManager.default.contentsOfDirectory(
        atPath: run.appending(path: "models").path
      ).isEmpty)
    let logs = try FileManager.default.contentsOfDirectory(
      atPath: run.appending(path: "servers").path)
    #expect(Set(logs) == ["a0-none.log", "r3-a1-none.log", "r3-a1-attack.log"])
  }

  /// A command that starts something else is found out before anything is asked, and ended.
  @Test(.enabled(if: hasPython, "needs python3, or LOXEVAL_PYTHON"))
  func aServerThatDoesNotHaveTheAdaptersIsEnded() async throws {
    let study = try TinyStudy()
    // Says that it loads adapters, and starts without them.
    let source = try Self.source(study, "{port} {model} # {lora}")
    let failure = await #expect(throws: ChatFailure.self) {
      try await RunningServersTests.answers(source, study)
    }
    #expect(failure?.code == "adapter-missing")
    #expect(try Self.processes(study).isEmpty)
  }

  @Test func aCommandThatFailsSaysWhereItsOutputIs() async throws {
    let study = try TinyStudy()
    let source = StartedServer(
      command: CommandTemplate("echo no GPU {lora} {port}; exit 3"), connection: quickConnection)
    let error = await #expect(throws: StudyError.self) {
      try await RunningServersTests.answers(source, study)
    }
    #expect(error?.description.contains("it ended with status 3") == true)
    #expect(error?.description.contains("run/server.log") == true)
    let log = try String(
      contentsOf: study.models.run.appending(path: "server.log"), encoding: .utf8)
    #expect(log.hasPrefix("no GPU --lora "))
    #expect(log.contains(" --lora-init-without-apply "))
  }

  // MARK: - What is asked for

  @Test(
    arguments: [
      ("serve {model} {port}", "auto", nil, "plain"),
      ("serve {gguf} {lora} {port}", "auto", "m.gguf", "llama-server"),
      ("vllm serve {model} --enable-lora --port {port}", "auto", nil, "vllm"),
      ("vllm serve {model} --enable-lora --port {port}", "plain", nil, "plain"),
      ("serve {model} {port}", "vllm", nil, "vllm"),
    ] as [(String, String, String?, String)])
  func commandsTellTheirDialect(
    command: String, dialect: String, gguf: String?, expected: String
  ) throws {
    let dialect = try #require(DialectChoice(dialect))
    let servers = ExternalServers(
      dialect: dialect, serve: CommandTemplate(command), gguf: gguf)
    #expect(servers.contradiction == nil)
    #expect(dialect.started(by: CommandTemplate(command)).name == expected)
    #expect(servers.source is StartedServer)
  }

  @Test(
    arguments: [
      ("serve {model}", "auto", nil, "{port}"), ("serve {port}", "auto", nil, "{model}"),
      ("serve {port} {gguf} {lora}", "auto", nil, "--gguf"),
      ("serve {port} {model}", "auto", "m.gguf", "{gguf}"),
      ("serve {port} {model}", "llama-server", nil, "{lora}"),
      ("serve {port} --enable-lora", "vllm", nil, "{model}"),
    ] as [(String, String, String?, String)])
  func commandsThatLackSomethingSayWhat(
    command: String, dialect: String, gguf: String?, naming: String
  ) throws {
    let servers = ExternalServers(
      dialect: try #require(DialectChoice(dialect)),
      serve: CommandTemplate(command), gguf: gguf)
    #expect(servers.contradiction?.contains(naming) == true)
  }

  @Test func oneWayToServersIsChosen() throws {
    let endpoint = try Endpoint("http://h:1", environment: [:])
    let cells = URL(filePath: "/cells.json")
    var servers = ExternalServers()
    #expect(servers.contradiction?.contains("found 0") == true)
    servers.replicas = Replicas([endpoint])
    #expect(servers.contradiction == nil && servers.source is RunningServers)
    servers.cells = cells
    #expect(servers.contradiction?.contains("found 2") == true)
    servers.replicas = Replicas([])
    #expect(servers.contradiction == nil && servers.source is ListedServers)
    servers.dialect = try #require(DialectChoice("vllm"))
    #expect(servers.contradiction?.contains("--dialect plain") == true)
  }

  @Test func dialectsAreARegistry() {
    #expect(DialectChoice.all.map(\.name) == ["auto", "vllm", "llama-server", "plain"])
    #expect(DialectChoice("grpc") == nil)
    for dialect in StudyDialects.all { #expect(DialectChoice.summary.contains(dialect.summary)) }
  }
}
