import ModelAccess
import PromptSets
package import Runs
import StudyDesign
import Support

/// What a run asks for at most, known before anything is made for it.
package struct RunSize: Hashable, Sendable, CustomStringConvertible {
  package let models: Int
  /// Of all sets together.
  package let prompts: Int
  /// Every prompt of every model, as often as it is asked.
  package let samples: Int
  /// New tokens of a reply, at most.
  package let tokensEach: Int
  /// Whether fewer may do: the run goes on until it is decided.
  package var isUntilDecided = false

  /// `1,134 samples (9 models × 126 prompts), at most 60 new tokens each: 68,040 in all`
  package var description: String {
    let tokens = samples.multipliedReportingOverflow(by: tokensEach)
    let all = tokens.overflow ? "more than can be counted" : Number.grouped(tokens.partialValue)
    func count(_ number: Int, _ noun: String) -> String {
      "\(Number.grouped(number)) \(noun)\(number == 1 ? "" : "s")"
    }
    let times = models * prompts > 0 ? samples / (models * prompts) : 1
    let product =
      count(models, "model") + " × " + count(prompts, "prompt")
      + (times > 1 ? " × \(Number.grouped(times))" : "")
    return
      (isUntilDecided ? "until decided, at most " : "")
      + "\(count(samples, "sample")) (\(product)), at most \(count(tokensEach, "new token")) each: "
      + "\(all) in all"
  }
}

extension Measurement {
  /// How many samples a cell has.
  package func samples(of cell: Cell) -> Int {
    (datasets.first { $0.name == cell.dataset }?.prompts.count ?? 0) * samples
  }

  /// What is asked of the models of some cells.
  package func size(of cells: [Cell]) -> RunSize {
    let sizes = Dictionary(
      datasets.map { ($0.name, $0.prompts.count) }, uniquingKeysWith: { first, _ in first })
    var seen: Set<CellID> = []
    let distinct = cells.filter { seen.insert($0.id).inserted }
    return RunSize(
      models: distinct.count {
        $0.dataset == distinct.first?.dataset && $0.promptAttack == distinct.first?.promptAttack
      },
      prompts: datasets.reduce(0) { $0 + $1.prompts.count },
      samples: distinct.reduce(0) { $0 + (sizes[$1.dataset] ?? 0) } * samples,
      tokensEach: decoding.maxTokens + (decoding.maxReasoningTokens ?? 0),
      isUntilDecided: sequential != nil)
  }
}
