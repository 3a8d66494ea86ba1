import Foundation
package import ModelAccess
import Support

/// Whether a reply's final answer is the reference: utility, without a second model.
///
/// A number is compared by value with the reply's final number: the one after the last `####`
/// (GSM8K's form), else in the last `\boxed{}`, else after the last "answer is" or "answer:", else
/// the last number in the text. Signs of money, thousands and percent do not matter; 3.0 is 3. Any
/// other reference must be the whole reply, or what follows "answer is" or "answer:", but for case,
/// quotation marks and the full stop.
///
/// A reply that was cut off before its answer is wrong: what was asked for did not come.
package struct ExactMatchJudge: Judge {
  package static let name = "exact-match"
  package var name: String { Self.name }
  package let configuration = "final number or text equals the reference"
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
    let found: String?
    let isEqual: Bool
    if let expected = Self.finalNumber(in: reference, isWhole: true) {
      let value = Self.finalNumber(in: reply.response)
      found = value.map(Number.text)
      isEqual = value.map { abs($0 - expected) <= 1e-9 * max(1, abs(expected)) } ?? false
    } else {
      found = Self.plain(Self.final(reply.response).text)
      isEqual = found == Self.plain(Self.final(reference).text)
    }
    return Judgement(
      verdict: isEqual ? .complied : .unsuccessful, score: isEqual ? 1 : 0,
      raw: found.map { String($0.prefix(200)) } ?? "no answer")
  }

  /// Whether a reference is a number, as word problems have.
  static func isNumber(_ reference: String) -> Bool {
    finalNumber(in: reference, isWhole: true) != nil
  }

  // MARK: - Reading

  private static let marks = ["####", "\\boxed{", "answer is", "answer:"]

  /// What follows the most telling mark, to the end of its line; the whole text where there is none.
  private static func final(_ text: String) -> (text: Substring, isMarked: Bool) {
    for mark in marks {
      guard let place = text.range(of: mark, options: [.backwards, .caseInsensitive]) else {
        continue
      }
      let rest = text[place.upperBound...].drop { $0.isWhitespace || "*:".contains($0) }
      let line = rest.prefix { !$0.isNewline && (mark != "\\boxed{" || $0 != "}") }
      // A mark that nothing follows ("The answer is:", cut off) marks nothing.
      if !line.isEmpty { return (line, true) }
    }
    return (text[...], false)
  }

  /// - Parameter isWhole: nothing but the number may stand there.
  private static func finalNumber(in text: String, isWhole: Bool = false) -> Double? {
    let (line, isMarked) = final(text)
    if isWhole { return number(line) }
    // After a mark the first number counts: "#### 5 (five of them)".
    let found = numbers(in: line)
    return isMarked ? found.first ?? numbers(in: text[...]).last : found.last
  }

  private static func isPart(_ character: Character) -> Bool {
    character.isASCII && (character.isNumber || character == "." || character == ",")
  }

  private static func numbers(in text: Substring) -> [Double] {
    text.split { !isPart($0) && $0 != "-" && $0 != "−" }.compactMap { part in
      // A hyphen between words or numbers is no sign.
      let digits = part.split { $0 == "-" || $0 == "−" }
      let isNegative = digits.count == 1 && (part.first == "-" || part.first == "−")
      return digits.last.flatMap(number).map { isNegative ? -$0 : $0 }
    }
  }

  /// The value of a number as people write it; nil for anything else.
  private static func number(_ text: Substring) -> Double? {
    var digits = text.map { $0 == "−" ? "-" : $0 }.filter { !",$€£% ".contains($0) }
    while digits.last == "." { digits.removeLast() }
    guard digits.contains(where: { $0.isNumber }),
      digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == "." || $0 == "-") })
    else { return nil }
    return Double(String(digits))
  }

  private static func plain(_ text: Substring) -> String {
    String(decoding: NormalisedText(String(text)).bytes, as: UTF8.self)
      .trimmingCharacters(in: CharacterSet(charactersIn: " .\"'"))
  }
}
