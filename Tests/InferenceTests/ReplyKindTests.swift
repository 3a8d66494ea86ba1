import Foundation
import HTTP
import ModelAccess
import TestSupport
import Testing

@testable import Inference

/// Every kind of reply that servers are known to send, and what must come of it.
@Suite struct ReplyKindTests {
  /// What a parsed response is.
  enum Kind: Equatable, CustomStringConvertible {
    case says(String, reasoning: String?)
    case fails(String, fatal: Bool)

    var description: String {
      switch self {
      case .says(let text, let reasoning):
        "\(text.debugDescription) after \(reasoning ?? "nothing")"
      case .fails(let code, let fatal): code + (fatal ? ", fatal" : "")
      }
    }

    static func fails(_ code: String) -> Kind { .fails(code, fatal: false) }
    static func says(_ text: String) -> Kind { .says(text, reasoning: nil) }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    var status = 200
    var type = "application/json"
    let body: String
    let kind: Kind
    var testDescription: String { name }

    init(
      _ name: String, status: Int = 200, type: String = "application/json", _ body: String,
      _ kind: Kind
    ) {
      (self.name, self.status, self.type, self.body, self.kind) = (name, status, type, body, kind)
    }

    /// A reply of a text, as JSON has it.
    static func text(_ text: String, _ kind: Kind, finish: String = "stop") -> Case {
      let node = try? JSONEncoder().encode(text)
      return Case(
        text,
        "{\"choices\":[{\"message\":{\"content\":"
          + String(decoding: node ?? Data(), as: UTF8.self)
          + "},\"finish_reason\":\"\(finish)\"}]}",
        kind)
    }

    static func message(_ message: String, _ kind: Kind, finish: String = "stop") -> Case {
      Case(
        message, "{\"choices\":[{\"message\":\(message),\"finish_reason\":\"\(finish)\"}]}", kind)
    }

    static func error(_ status: Int, _ body: String, _ kind: Kind) -> Case {
      Case("\(status) \(body)", status: status, body, kind)
    }
  }

  static func parsed(_ body: String, status: Int = 200, type: String = "application/json") throws
    -> ParsedResponse
  {
    ReplyParser(
      endpoint: try Endpoint("http://127.0.0.1:1", environment: [:]), attempts: 1,
      form: .usual
    ).parse(
      TransportResponse(
        status: status, headers: ["content-type": type], body: Data(body.utf8), milliseconds: 1))
  }

  static func kind(_ parsed: ParsedResponse) -> Kind {
    switch parsed.result {
    case .success(let reply): .says(reply.chat.text, reasoning: reply.chat.reasoning)
    case .failure(let failure): .fails(failure.code.rawValue, fatal: failure.isFatal)
    }
  }

  static let no = Kind.says("No.", reasoning: "Hm.")
  static let open = Kind.fails("no-answer-within-limit")

  @Test(arguments: thoughts + messages + errors + bodies) func kindsAreRead(_ item: Case) throws {
    let parsed = try Self.parsed(item.body, status: item.status, type: item.type)
    var found = Self.kind(parsed)
    if case .says(let text, let reasoning?) = found, reasoning.isEmpty { found = .says(text) }
    var expected = item.kind
    if case .says(let text, let reasoning?) = expected, reasoning.isEmpty { expected = .says(text) }
    #expect(found == expected)
    if item.kind == .fails("filtered") { #expect(parsed.retry == .never) }
    if item.kind == .fails("no-choices") { #expect(parsed.retry == .once) }
  }

  @Test func refusalsAreMarked() throws {
    for message in [
      "{\"content\":null,\"refusal\":\"No.\"}", "{\"content\":\"No.\",\"refusal\":\"No.\"}",
    ] {
      let body = "{\"choices\":[{\"message\":\(message)}]}"
      #expect(try Self.parsed(body).result.get().chat.refusal == "No.")
    }
    let plain = "{\"choices\":[{\"message\":{\"content\":\"No.\",\"refusal\":\"\"}}]}"
    #expect(try Self.parsed(plain).result.get().chat.refusal == nil)
  }

  @Test func unknownProbabilitiesAreNone() throws {
    func logprobs(_ tokens: String) throws -> [Double]? {
      try Self.parsed(
        "{\"choices\":[{\"message\":{\"content\":\"a\"},\"logprobs\":{\"content\":[\(tokens)]}}]}"
      ).result.get().logprobs
    }
    #expect(try logprobs("{\"logprob\":-1}") == [-1])
    #expect(try logprobs("{\"logprob\":-1},{\"logprob\":null}") == nil)
    #expect(try logprobs("{\"logprob\":NaN}") == nil)
    #expect(try logprobs("{}") == nil)
  }

  /// Whose fault it is that there is no answer decides what the message advises.
  @Test func aMissingAnswerSaysWhatToChange() throws {
    func message(_ body: String) throws -> String {
      guard case .failure(let failure) = try Self.parsed(body).result else { return "" }
      return failure.message
    }
    let only = try message(
      "{\"choices\":[{\"message\":{\"reasoning_content\":\"No.\"},\"finish_reason\":\"stop\"}]}")
    #expect(only.contains("reasoning parser") && !only.contains("--max-tokens"))
    let cut = try message(
      "{\"choices\":[{\"message\":{\"reasoning_content\":\"No.\"},\"finish_reason\":\"length\"}]}")
    #expect(cut.contains("--max-tokens"))
  }

  static let refusals: [(String, [String])] = [
    (
      "{\"error\":{\"code\":\"unsupported_parameter\",\"param\":\"max_tokens\",\"message\":\"Use 'max_completion_tokens' instead.\"}}",
      ["max_tokens"]
    ),
    (
      "{\"error\":{\"message\":\"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.\"}}",
      ["max_tokens"]
    ),
    (
      "{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"seed\"],\"msg\":\"Extra inputs are not permitted\"}]}",
      ["seed"]
    ),
    (
      "{\"error\":{\"message\":\"litellm.UnsupportedParamsError: x does not support parameters: ['seed', 'top_p']\"}}",
      ["top_p", "seed"]
    ),
    (
      "[{\"error\":{\"code\":400,\"message\":\"Invalid JSON payload received. Unknown name \\\"seed\\\": Cannot find field.\"}}]",
      ["seed"]
    ),
    ("{\"message\":\"property 'seed' is unsupported\"}", ["seed"]),
    (
      "{\"error\":{\"code\":\"unsupported_value\",\"param\":\"temperature\",\"message\":\"Only the default (1)\"}}",
      ["temperature"]
    ),
    ("{\"error\":{\"param\":\"max_tokens\",\"message\":\"max_tokens is too large: 9999\"}}", []),
    ("{\"error\":{\"message\":\"this model does not support images\"}}", []),
    ("{\"error\":{\"message\":\"unknown field seeds\"}}", []),
  ]

  @Test(arguments: refusals) func refusedFieldsAreFound(body: String, fields: [String]) throws {
    #expect(try Self.parsed(body, status: 400).refusedFields == fields)
  }

  /// The shared table: status and body, and in words what must come of it.
  @Test(.enabled(if: SharedMaterial.has("cases/server-replies.json"), "needs the shared cases"))
  func sharedCasesAreRead() throws {
    struct Entry {
      let name: String
      let status: Int
      let body: String
      let expected: String
    }
    let file = SharedMaterial.folder.appending(path: "cases/server-replies.json")
    let list = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [[String: Any]]
    let entries = try #require(list).map { entry in
      let body = entry["body"] ?? ""
      return Entry(
        name: entry["case"] as? String ?? "", status: entry["status"] as? Int ?? 0,
        body: try body as? String
          ?? String(decoding: JSONSerialization.data(withJSONObject: body), as: UTF8.self),
        expected: entry["expected"] as? String ?? "")
    }
    #expect(entries.count >= 27)
    for entry in entries {
      let parsed = try Self.parsed(entry.body, status: entry.status)
      let comment = Comment(
        rawValue: "\(entry.name): \(entry.expected), found \(Self.kind(parsed))")
      switch parsed.result {
      case .success(let reply):
        #expect(entry.expected.hasPrefix("refused"), comment)
        #expect(reply.chat.text.hasPrefix("I can't help"), comment)
        #expect((reply.chat.reasoning != nil) == (entry.expected.contains("apart")), comment)
        if entry.expected.contains("unknown") { #expect(reply.logprobs == nil, comment) }
      case .failure(let failure):
        #expect(!entry.expected.hasPrefix("refused"), comment)
        #expect((failure.code == .filtered) == entry.expected.hasPrefix("filtered"), comment)
        #expect((failure.code == .unanswered) == entry.expected.hasPrefix("no answer"), comment)
        #expect(failure.isFatal == entry.expected.hasPrefix("fatal"), comment)
        if entry.name.hasSuffix(" refused") {
          #expect(parsed.refusedFields == [String(entry.name.dropLast(8))], comment)
        }
      }
    }
  }
}
