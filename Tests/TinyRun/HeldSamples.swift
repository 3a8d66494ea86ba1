package import Analysis
package import Foundation
package import Runs
package import StudyDesign
import Support

/// Samples that stand in no journal.
private struct HeldSamples: SampleSource {
  let samples: [Sample]

  func sample(at position: SamplePosition) throws(RunError) -> Sample { samples[position.offset] }

  func line(at position: SamplePosition) throws(RunError) -> Data {
    held { try samples[position.offset].line() }
  }
}

/// What cannot fail of samples that are held.
private func held<Value>(_ value: () throws -> Value) -> Value {
  do {
    return try value()
  } catch {
    fatalError("\(error)")
  }
}

extension SampleOutcomes {
  /// Samples of cells that are not planned are left out.
  package init(holding samples: [Sample], of plan: RunManifest.Plan) {
    self.init(of: plan, in: URL(filePath: "/held"), source: HeldSamples(samples: samples))
    let planned = Set(plan.cells.map(\.id))
    for (place, sample) in samples.enumerated() where planned.contains(sample.cell) {
      held { try append(sample, at: SamplePosition(file: 0, offset: place)) }
    }
    held { try settle() }
  }

  /// All whole samples, in order.
  package var samples: [Sample] { held { try all.map { try sample($0) } } }
}

extension StoredRun {
  package init(
    _ manifest: RunManifest, holding samples: [Sample], in folder: URL = URL(filePath: "/held")
  ) {
    self.init(
      url: folder, manifest: manifest,
      outcomes: SampleOutcomes(holding: samples, of: manifest.plan))
  }

  package var samples: [Sample] { outcomes.samples }
}

extension RunFolder {
  package var samples: [Sample] { held { try run.samples } }
  package var summary: Summary { held { try run.summary } }
}

extension Journal {
  package var samples: [Sample] { held { try outcomes().samples } }

  /// All samples of a run's journals, in order.
  package static func samples(
    folder: URL, plan: RunManifest.Plan, division: Division? = nil
  ) throws -> [Sample] {
    try read(folder: folder, plan: plan, division: division).samples
  }

  /// All of a journal with such samples.
  package static func lines(of samples: [Sample]) throws -> Data {
    try samples.reduce(into: Data()) {
      $0.append(try $1.line())
      $0.append(UInt8(ascii: "\n"))
    }
  }
}

extension Summary {
  package init(of manifest: RunManifest, samples: [Sample], labels: [RunLabel] = []) {
    self.init(of: manifest, SampleOutcomes(holding: samples, of: manifest.plan), labels: labels)
  }
}

extension RunComparison.Run {
  package init(name: String, manifest: RunManifest, samples: [Sample]) {
    self.init(name: name, StoredRun(manifest, holding: samples))
  }
}

extension LabelSample {
  package init(manifest: RunManifest, samples: [Sample], seed: UInt64) {
    self.init(StoredRun(manifest, holding: samples), seed: seed)
  }

  /// What is drawn of samples that are held.
  package func held(_ count: Int, labelled: [Sample.Key] = []) -> [Sample] {
    TinyRun.held { try draw(count, labelled: labelled) }
  }
}

extension LabelFile {
  package init(
    _ url: URL, of manifest: RunManifest, samples: [Sample], mayBeMissing: Bool = false
  ) throws(LabelError) {
    try self.init(url, of: StoredRun(manifest, holding: samples), mayBeMissing: mayBeMissing)
  }
}

extension LabellingRound {
  package init(
    of manifest: RunManifest, samples: [Sample], in folder: URL, file: URL, count: Int,
    seed: UInt64
  ) throws(LabelError) {
    try self.init(
      of: StoredRun(manifest, holding: samples, in: folder), file: file, count: count, seed: seed)
  }
}

extension SequentialRun {
  package func state(of samples: [Sample], _ plan: RunManifest.Plan) -> State {
    state(of: SampleOutcomes(holding: samples, of: plan))
  }
}
