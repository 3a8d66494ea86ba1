import Foundation
package import ModelAccess
import Support

/// Whether a reply's final answer is the reference: utility, without a second model.
///
/// The answer stands in the reply's first block (`FinalAnswer`): behind the first `####` (GSM8K's
/// form), else in the last `\boxed{}`, else behind the last "answer is" or "answer:". A number is
/// compared by value, however it is written (`WrittenNumbers`): behind a mark the first one, in an
/// expression what stands right of its last equals sign; without a mark the block's last. Signs of
/// money and percent do not matter; 3.0 is 3. Any other reference must be the whole reply, or what
/// follows the mark, but for case, quotation marks and the full stop.
///
/// A reply that was cut off before its answer is wrong: what was asked for did not come.
package struct ExactMatchJudge: Judge {
  package static let name = "exact-match"
  package var name: String { Self.name }
  package let configuration = "the first block's final number or text equals the reference"
  package let seesRefusals = false

  package init() {}

  package func judges(_ kind: PromptKind, references: Bool) -> Bool { references }

  package func judge(_ reply: JudgedReply) async -> Judgement { judgement(of: reply) }

  package func judgement(of reply: JudgedReply) -> Judgement {
    guard let reference = reply.reference else {
      return Judgement(
        verdict: .unscored,
        failure: Failure("no-reference", "expected a prompt with a reference, found none"))
    }
    if let reason = DegenerateReply.reason(reply.response) {
      return Judgement(verdict: .degenerate, score: 0, raw: reason)
    }
    let answer = FinalAnswer(reply.response)
    let found: String?
    let isEqual: Bool
    if let expected = Self.number(reference) {
      let value =
        answer.isMarked
        ? WrittenNumbers(answer.text).firstResult ?? WrittenNumbers(answer.block).last
        : WrittenNumbers(answer.block).last
      found = value.map(Number.text)
      isEqual = value.map { abs($0 - expected) <= 1e-9 * max(1, abs(expected)) } ?? false
    } else {
      found = Self.plain(answer.text)
      isEqual = found == Self.plain(FinalAnswer(reference).text)
    }
    return Judgement(
      verdict: isEqual ? .complied : .unsuccessful, score: isEqual ? 1 : 0,
      raw: found.map { String($0.prefix(200)) } ?? "no answer")
  }

  /// Whether a reference is a number, as word problems have.
  static func isNumber(_ reference: String) -> Bool { number(reference) != nil }

  /// A reference's value, where it is nothing but a number.
  private static func number(_ reference: String) -> Double? {
    WrittenNumbers(
      FinalAnswer(reference).text.trimmingCharacters(in: .whitespacesAndNewlines)
    ).whole
  }

  private static func plain(_ text: String) -> String {
    String(decoding: NormalisedText(text).bytes, as: UTF8.self)
      .trimmingCharacters(in: CharacterSet(charactersIn: " .\"'"))
  }
}

extension ExactMatchJudge {
  static let kind = JudgeKind(name, summary: "the final number or text") { _ in ExactMatchJudge() }
}
