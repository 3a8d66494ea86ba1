import Foundation
import ModelAccess
import Scoring
import StudyDesign
import Support
import TestSupport
import Testing
import TinyRun

@testable import Runs

/// What stands in journals: the bytes that runs of every release have had.
@Suite struct JournalBytesTests {
  @Test func aLineIsWhatItAlwaysWas() throws {
    let cell = CellID(rawValue: "a0-none-set~d06480352650")
    let judgement = Judgement(
      verdict: .unscored, raw: "\u{8}\u{C}\u{1B}", failure: Failure("http-500", "no \"answer\""))
    let sample = Sample(
      cell: cell, id: "q1", category: "c", prompt: "a/b\\c\n\té\u{7F}\u{2028}😀", reference: nil,
      judge: "refusal",
      judgements: [
        "refusal": Judgement(verdict: .refused, score: 1, raw: "sorry"), "rubric": judgement,
      ], response: "no", finishReason: "stop", promptTokens: 20, completionTokens: 21,
      latencyMilliseconds: 0.549, attempts: 1, refusalLoss: 1e-7)
    let line = #"""
      {"attempts":1,"category":"c","cell":"a0-none-set~d06480352650","completion_tokens":21,"error":null,\#
      "error_code":null,"finish_reason":"stop","id":"q1","judge":"refusal","judge_error":null,\#
      "judge_raw":"sorry","judgements":{"refusal":{"raw":"sorry","score":1,"verdict":"refused"},\#
      "rubric":{"error":"http-500: no \"answer\"","error_code":"http-500","raw":"\b\f\u001b",\#
      "verdict":"unscored"}},"latency_ms":0.5,"prompt":"a/b\\c\n\té\#u{7F}\#u{2028}😀",\#
      "prompt_tokens":20,"reasoning":null,"reference":null,"refusal":null,"refusal_loss":1e-07,\#
      "response":"no","sample":0,"score":1,"verdict":"refused"}
      """#
    #expect(String(decoding: try sample.line(), as: UTF8.self) == line)
    var read = sample
    read.latencyMilliseconds = 0.5
    #expect(try Sample(JSONNode(parsing: [UInt8](line.utf8))) == read)
  }

  /// A tree of JSON for Foundation's encoder.
  private struct Encoded: Encodable {
    let node: JSONNode

    private struct Key: CodingKey {
      let stringValue: String
      var intValue: Int? { nil }
      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    func encode(to encoder: any Encoder) throws {
      switch node {
      case .object(let members):
        var container = encoder.container(keyedBy: Key.self)
        for member in members {
          try container.encode(
            Encoded(node: member.value), forKey: Key(stringValue: member.key))
        }
      case .array(let elements):
        var container = encoder.unkeyedContainer()
        for element in elements { try container.encode(Encoded(node: element)) }
      default:
        var container = encoder.singleValueContainer()
        switch node {
        case .string(let text): try container.encode(text)
        case .boolean(let flag): try container.encode(flag)
        case .number: try container.encode(node.double)
        default: try container.encodeNil()
        }
      }
    }
  }

  /// Lines were written by Foundation's encoder once: key for key, escape for escape, digit for digit.
  @Test func linesAreAsFoundationWritesThem() throws {
    var random = SplitMix64(seed: 3)
    func text() -> String {
      let scalars = (0..<Int.random(in: 0...12, using: &random)).map { _ -> Unicode.Scalar in
        let bound: UInt32 = Bool.random(using: &random) ? 0x7F : 0x2FFF
        return Unicode.Scalar(UInt32.random(in: 0...bound, using: &random)) ?? "x"
      }
      return String(String.UnicodeScalarView(scalars))
    }
    func number() -> Double {
      let magnitude = Double.random(in: -12...18, using: &random)
      let value = pow(10, magnitude)
      return Bool.random(using: &random) ? value : value.rounded()
    }
    for _ in 0..<500 {
      let judged = Judgement(
        verdict: Verdict.allCases.randomElement(using: &random) ?? .complied, score: number(),
        raw: text(), failure: Bool.random(using: &random) ? Failure("code", "x" + text()) : nil)
      let sample = Sample(
        cell: CellID(rawValue: text()), id: text(), sample: Int(number().rounded() / 1e4),
        category: text(), prompt: text(), reference: text(), judge: "b",
        judgements: ["b": judged, "a-b": judged, "a": judged, "a_b": judged], response: text(),
        reasoning: text(), latencyMilliseconds: number(), attempts: 2,
        refusalLoss: Bool.random(using: &random) ? -number() : nil)
      let line = try sample.line()
      #expect(line == (try StableJSON.encode(Encoded(node: sample.json))))
      var read = try Sample(JSONNode(parsing: [UInt8](line)))
      read.latencyMilliseconds = sample.latencyMilliseconds
      #expect(read == sample)
    }
  }

  @Test func aNumberThatIsNoneHasNoLine() {
    let sample = Sample(
      cell: CellID(rawValue: "c"), id: "q", category: "c", prompt: "p", judge: "refusal",
      refusalLoss: .nan)
    #expect(throws: JSONNode.NotFinite.self) { try sample.line() }
  }

  static let broken: [(what: String, key: String, value: JSONNode?)] = [
    ("a number for a text", "response", .number("1")),
    ("a missing prompt", "prompt", nil),
    ("a fraction for a count", "attempts", .number("1.5")),
    ("an unknown verdict", "verdict", .string("perhaps")),
    ("a verdict that is not the judge's", "verdict", .string("complied")),
    ("a judgement without a verdict", "judgements", .object(of: [("refusal", .emptyObject)])),
    ("a text for a number of tokens", "prompt_tokens", .string("1")),
  ]

  @Test(arguments: broken)
  func whatIsNoSampleIsRefused(
    what: String, key: String, value: JSONNode?
  ) throws {
    let sample = Sample(
      cell: CellID(rawValue: "c"), id: "q", category: "c", prompt: "p", judge: "refusal",
      judgements: ["refusal": Judgement(verdict: .refused)], attempts: 1)
    let line = try sample.json
    #expect(throws: Never.self) { try Sample(line) }
    let changed = value.map { line.setting(key, to: $0) } ?? line.removing(key)
    #expect(throws: JSONFields.Fault.self, "\(what)") { try Sample(changed) }
    // What older releases wrote is still read.
    #expect(try Sample(line.setting("attempts", to: .number("1.0"))) == sample)
  }
}
