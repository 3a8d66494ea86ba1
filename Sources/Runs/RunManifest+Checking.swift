package import Foundation
import Scoring
package import StudyDesign

extension RunManifest {
  /// Refuses a plan whose numbers cannot be, and samples that it does not know: what was edited must
  /// not pass for what was measured.
  package func check(_ samples: [Sample], in folder: URL) throws(RunError) {
    let file = folder.appending(path: Self.fileName).path
    guard plan.samples >= 1, plan.samples <= 1_000_000 else {
      throw .invalidPlan(path: file, reason: "\(plan.samples) samples a prompt")
    }
    for (name, dataset) in plan.datasets {
      guard (0...100_000_000).contains(dataset.prompts) else {
        throw .invalidPlan(path: file, reason: "\(dataset.prompts) prompts in \(name)")
      }
    }
    let cells = Dictionary(
      plan.cells.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    var prompts: [String: Set<String>] = [:]
    /// What each prompt asks, by its set, what is done to it, and its id: the same of every cell.
    var texts: [[String]: String] = [:]
    for sample in samples {
      func foreign(_ reason: String) -> RunError {
        .foreignSample(
          path: folder.path, sample: "\(sample.id) of \(sample.cell)", reason: reason)
      }
      guard let cell = cells[sample.cell] else { throw foreign("a cell that is not planned") }
      let dataset = cell.dataset
      guard (0..<plan.samples).contains(sample.sample) else {
        throw foreign("number \(sample.sample) of \(plan.samples)")
      }
      guard sample.failure == nil || sample.verdict == .unscored else {
        throw foreign("a failed request with a verdict")
      }
      let key = [dataset, cell.promptAttack.text, sample.id]
      guard texts[key, default: sample.prompt] == sample.prompt else {
        throw foreign("another prompt than other cells have under that id")
      }
      texts[key] = sample.prompt
      prompts[dataset, default: []].insert(sample.id)
      let planned = plan.datasets[dataset]?.prompts ?? 0
      guard prompts[dataset, default: []].count <= planned else {
        throw foreign("one more prompt than the \(planned) of \(dataset)")
      }
    }
  }

  /// How many samples are still to be asked, cell by cell.
  ///
  /// Of a run that goes on until it is decided, those of the batches that are under way: what comes after
  /// them depends on what they show.
  package func missing(_ byCell: [CellID: [Sample]]) -> Int {
    plan.distinctCells.reduce(0) { sum, cell in
      let samples = byCell[cell.id] ?? []
      var prompts = plan.datasets[cell.dataset]?.prompts ?? 0
      if plan.sequential != nil {
        let asked = max(1, Set(samples.map(\.id)).count)
        prompts = SequentialPlan.looks(upTo: prompts).first { $0 >= asked } ?? prompts
      }
      return sum + max(0, prompts * plan.samples - samples.count)
    }
  }
}
