import Foundation
import ModelAccess
package import Runs
package import Scoring
package import StudyDesign
import Support

/// Which samples of a run are looked at: what is nil chooses all.
package struct SampleSelection: Sendable {
  package var strengths: [Double]?
  package var ranks: [String]?
  /// By method; `none` for the untreated model.
  package var defences: [String]?
  /// By label; `none` for the model before any.
  package var attacks: [String]?
  /// By method, or by all that the column says; `none` for the set's own prompts.
  package var promptAttacks: [String]?
  package var datasets: [String]?
  package var categories: [String]?
  /// Of prompts.
  package var ids: [String]?
  package var verdicts: [Verdict]?
  /// Whose verdict counts; nil for each set's first judge. Samples that it does not read are left out.
  package var judge: String?
  /// Stands in prompt, reply or thoughts, in letters of either case.
  package var text: String?
  /// Whether the request failed, or a judge did.
  package var isFailed: Bool

  package init(isFailed: Bool = false) { self.isFailed = isFailed }

  /// A filter that no cell of the run can pass.
  package struct Unknown: Error, CustomStringConvertible {
    let option: String
    let value: String
    let known: [String]

    package var description: String {
      "--\(option): the run has no \(value)\(NearestName.question(value, among: known)); it has "
        + known.joined(separator: ", ")
    }
  }

  /// The cells whose samples are looked at, by their ids.
  ///
  /// - Throws: ``Unknown`` for a value that the run does not have, so that a misspelt filter does not look like
  ///   an empty result.
  package func cells(of plan: RunManifest.Plan) throws(Unknown) -> [CellID: Cell] {
    let fields: [(option: String, wanted: [String]?, of: (Cell) -> [String])] = [
      ("alpha", strengths?.map(Number.text), { [Number.text($0.treatment.strength)] }),
      ("rank", ranks, { $0.treatment.parameters["rank"].map { [$0.text] } ?? [] }),
      ("defence", defences, { [$0.treatment.method.rawValue] }),
      ("attack", attacks, { [$0.attack.label] }),
      (
        "prompt-attack", promptAttacks, { [$0.promptAttack.method.rawValue, $0.promptAttack.text] }
      ),
      ("dataset", datasets, { [$0.dataset] }),
      ("judge", judge.map { [$0] }, { plan.readers(of: $0.dataset) }),
    ]
    var chosen = plan.cells
    for field in fields {
      guard let wanted = field.wanted else { continue }
      let known = Set(plan.cells.flatMap(field.of))
      for value in wanted where !known.contains(value) {
        throw Unknown(
          option: field.option, value: value,
          known: known.sorted { $0.isBefore(counting: $1) })
      }
      chosen = chosen.filter { !Set(wanted).isDisjoint(with: field.of($0)) }
    }
    return Dictionary(chosen.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Whether a sample of those cells is looked at.
  package func holds(_ sample: Sample) -> Bool {
    if let categories, !categories.contains(sample.category) { return false }
    if let ids, !ids.contains(sample.id) { return false }
    if isFailed, sample.failure == nil,
      !sample.judgements.values.contains(where: { $0.failure != nil })
    {
      return false
    }
    if let verdicts, !verdicts.contains(sample.judgement(by: judge ?? sample.judge).verdict) {
      return false
    }
    guard let text else { return true }
    let sought = text.lowercased()
    return [sample.prompt, sample.response, sample.reasoning ?? ""].contains {
      $0.lowercased().contains(sought)
    }
  }
}
