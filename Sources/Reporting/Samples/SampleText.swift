import Analysis
import ModelAccess
package import Runs
import Scoring
import StudyDesign
import Support

/// One sample for a terminal: printable lines, so that nothing in a reply can move the cursor, reorder what is read,
/// or pass for another sample's head.
package struct SampleText {
  /// Whether long texts are shown whole.
  package var isWhole: Bool
  /// Whose verdict stands first; nil for each set's first judge.
  package var judge: String?

  package init(isWhole: Bool = false, judge: String? = nil) {
    self.isWhole = isWhole
    self.judge = judge
  }

  /// - Parameter number: of the sample among those that are looked at, from 1.
  package func render(_ sample: Sample, of cell: Cell, number: Int) -> String {
    let again = sample.sample > 0 ? ", sample \(sample.sample)" : ""
    let category = sample.category == "none" ? "" : " (\(sample.category))"
    let head = "── \(Number.grouped(number))  \(cell.dataset): \(sample.id)\(category)\(again)"
    var lines = [PrintableText.line(head)]
    add("model", Self.model(cell), to: &lines)
    if let failure = sample.failure {
      add("failed", failure.description, to: &lines)
    } else {
      for (place, name) in judges(of: sample).enumerated() {
        add(place == 0 ? "verdict" : "", verdict(of: name, sample), to: &lines)
      }
    }
    add("prompt", sample.prompt, to: &lines)
    if let reference = sample.reference { add("expected", reference, to: &lines) }
    if let reasoning = sample.reasoning { add("thoughts", reasoning, to: &lines) }
    if let refusal = sample.refusal, refusal != sample.response {
      add("refusal", refusal, to: &lines)
    }
    if sample.failure == nil {
      add("reply", sample.response.isEmpty ? "(empty)" : sample.response, to: &lines)
    }
    // A reply that was cut short reads otherwise.
    if let finish = sample.finishReason, finish != "stop" { add("ended", finish, to: &lines) }
    return lines.joined(separator: "\n") + "\n\n"
  }

  /// `LoX at rank 6 and α = 1.25, under identity-shift`
  private static func model(_ cell: Cell) -> String {
    let attack = cell.isUnattacked ? "" : ", under \(cell.attackLabel)"
    let targets = cell.treatment.isNone || cell.targets == "all" ? "" : " (\(cell.targets))"
    return "\(cell.model), \(cell.treatment.title)\(targets)\(attack)"
  }

  /// The one whose verdict counts, then the others by name.
  private func judges(of sample: Sample) -> [String] {
    let first = judge ?? sample.judge
    return [first] + sample.judgements.keys.sorted().filter { $0 != first }
  }

  private func verdict(of judge: String, _ sample: Sample) -> String {
    let judgement = sample.judgement(by: judge)
    let score =
      judgement.score.map { ", score \(Number.text(($0 * 1_000).rounded() / 1_000))" } ?? ""
    let said = judgement.failure.map { ": \($0)" } ?? judgement.raw.map { ": \($0)" } ?? ""
    return "\(judgement.verdict.rawValue) by \(judge)\(score)\(said)"
  }

  /// A text behind its name; further lines, and what was cut, stand below its first.
  private func add(_ name: String, _ text: String, to lines: inout [String]) {
    let folded = FoldedText(text, isWhole: isWhole)
    let texts = folded.lines + (folded.remark.map { [$0] } ?? [])
    for (place, line) in texts.enumerated() {
      let label = place == 0 ? name : ""
      lines.append(label + String(repeating: " ", count: 10 - label.count) + line)
    }
  }
}
