import Foundation
import TestSupport
import Testing

/// Other people's servers, as the built program treats them from the first look to the last line.
@Suite(.serialized) struct GatewayTests {
  static func folder() throws -> (folder: TemporaryFolder, prompts: String) {
    let folder = try TemporaryFolder()
    let lines = (0..<30).map {
      "{\"id\":\"q\($0)\",\"category\":\"c\",\"prompt\":\"question \($0)\"}"
    }
    return (folder, try folder.write(lines.joined(separator: "\n"), "prompts.jsonl").path)
  }

  /// Everything in a folder's files, as one text.
  static func contents(_ folder: URL) throws -> String {
    try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { !$0.hasDirectoryPath }
      .map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }.joined()
  }

  /// A gateway with a password in its address that repeats all it is shown.
  @Test func whatTheServerIsShownIsNeitherKeptNorPrinted() throws {
    let (folder, prompts) = try Self.folder()
    let password = "p-ss/w+rd-0123456789"
    let server = try ScriptedHTTPServer { exchange in
      if exchange.request.hasPrefix("GET") {
        return exchange.reply("{\"data\":[{\"id\":\"m \(password)\"}]}")
      }
      let head = exchange.request.components(separatedBy: "\r\n").joined(separator: " ")
      exchange.say(
        String(head.replacingOccurrences(of: "\"", with: "'").prefix(700)) + " " + password)
    }
    defer { server.stop() }
    let address = server.url.replacingOccurrences(
      of: "http://", with: "http://user:p-ss%2Fw+rd-0123456789@")
    let run = folder.url.appending(path: "run")
    let result = try ServerTests.run([
      "evaluate", "--endpoint", "\(address)/v1?key=querykey-123456", "--dataset", prompts,
      "--output",
      run.path,
    ])
    #expect(result.status == 0, "\(result.errors)")
    let basic = Data("user:\(password)".utf8).base64EncodedString()
    let all = try Self.contents(run) + result.output + result.errors
    for secret in [password, "p-ss%2Fw", String(basic.prefix(20)), "querykey-123456"] {
      #expect(!all.contains(secret), "\(secret)")
    }
    #expect(all.contains("[key]@") && all.contains("key=[key]"))
  }

  /// What a server refuses is in the plan, and the plan is compared.
  @Test func whatAServerRefusesIsPlannedAndCompared() throws {
    let (folder, prompts) = try Self.folder()
    let server = try ScriptedHTTPServer { exchange in
      if exchange.request.hasPrefix("GET") { return exchange.reply("{\"data\":[{\"id\":\"m\"}]}") }
      for field in ["seed", "max_tokens"] where exchange.request.contains("\"\(field)\":") {
        return exchange.reply(
          "{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"\(field)\"],\"msg\":\"Extra "
            + "inputs are not permitted\"}]}", status: "422 Unprocessable")
      }
      exchange.say("Sure.")
    }
    defer { server.stop() }
    let run = folder.url.appending(path: "run")
    let arguments = [
      "evaluate", "--endpoint", server.url, "--dataset", prompts, "--output", run.path,
    ]
    let result = try ServerTests.run(arguments)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.components(separatedBy: "refuses \"seed\"").count == 2)
    let manifest = try String(contentsOf: run.appending(path: "run.json"), encoding: .utf8)
    #expect(manifest.contains("\"refused\" : [\n        \"max_tokens\",\n        \"seed\""))
    #expect(try ServerTests.run(arguments + ["--resume"]).status == 0)
    let other = try ServerTests.run(arguments + ["--resume", "--extra-body", "{\"top_k\":1}"])
    #expect(other.status == 2 && other.errors.contains("request"))
  }

  /// A few failures end well and are said; a filter is no failure; quota and greedy decoding that cannot
  /// be had end at once.
  @Test(arguments: [
    (
      "500 Boom", "{\"error\":{\"message\":\"engine fell over\"}}", 2, "1 of 30 samples were lost",
      "engine fell over"
    ),
    (
      "400 Bad", "{\"error\":{\"code\":\"content_filter\",\"message\":\"m\"}}", 2,
      "1 of 30 replies were taken", ""
    ),
    (
      "429 No", "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"pay first\"}}", 0,
      "pay first", "quota"
    ),
    (
      "400 Bad",
      "{\"error\":{\"code\":\"unsupported_value\",\"param\":\"temperature\",\"message\":\"only 1\"}}",
      0,
      "greedy decoding cannot be had", "--omit temperature"
    ),
  ])
  func endsAreSaid(
    status: String, body: String, asked: Int, said: String, besides: String
  ) throws {
    let (folder, prompts) = try Self.folder()
    let server = try ScriptedHTTPServer { exchange in
      if exchange.request.hasPrefix("GET") { return exchange.reply("{\"data\":[{\"id\":\"m\"}]}") }
      if asked == 0 || exchange.request.contains("question 7\"") {
        return exchange.reply(body, status: status)
      }
      exchange.say("Sure.")
    }
    defer { server.stop() }
    let result = try ServerTests.run([
      "evaluate", "-q", "--endpoint", server.url, "--dataset", prompts, "--max-retries", "1",
      "--output", folder.url.appending(path: "run").path,
    ])
    #expect(result.status == (asked == 0 ? 2 : 0), "\(result.errors)")
    let all = result.output + result.errors
    #expect(all.contains(said) && (besides.isEmpty || all.contains(besides)), "\(all)")
  }
}
