package import Foundation

extension RunManifest {
  /// Refuses a plan whose numbers cannot be.
  package func check(in folder: URL) throws(RunError) {
    let file = folder.appending(path: Self.fileName).path
    guard plan.samples >= 1, plan.samples <= 1_000_000 else {
      throw .invalidPlan(path: file, reason: "\(plan.samples) samples a prompt")
    }
    for (name, dataset) in plan.datasets {
      guard (0...100_000_000).contains(dataset.prompts) else {
        throw .invalidPlan(path: file, reason: "\(dataset.prompts) prompts in \(name)")
      }
    }
  }

  /// How many samples are still to be asked, cell by cell.
  ///
  /// Of a run that goes on until it is decided, those of the batches that are under way: what comes after
  /// them depends on what they show.
  package func missing(_ outcomes: SampleOutcomes) -> Int {
    plan.distinctCells.reduce(0) { sum, cell in
      let own = outcomes[cell.id]
      var prompts = plan.datasets[cell.dataset]?.prompts ?? 0
      if plan.sequential != nil {
        let asked = max(1, Set(own.map(\.id)).count)
        prompts = SequentialPlan.looks(upTo: prompts).first { $0 >= asked } ?? prompts
      }
      return sum + max(0, prompts * plan.samples - own.count)
    }
  }
}
