package import Foundation
import StudyDesign
import Support

/// A run as it stands in its folder, made by one process or by shards: the one way in which runs are read.
package struct StoredRun: Sendable {
  package let url: URL
  package var manifest: RunManifest
  /// In an order that the plan gives, whoever asked them and when.
  package private(set) var samples: [Sample]

  /// Reads a run that nobody need be writing.
  ///
  /// - Throws: `RunError` where there is none, or where it is not what its plan says.
  package init(_ folder: URL) throws(RunError) {
    let manifest = try RunManifest.read(from: folder)
    let samples = try Journal.read(
      folder: folder, plan: manifest.plan, division: manifest.division)
    try manifest.check(samples, in: folder)
    self.init(url: folder, manifest: manifest, samples: samples)
  }

  /// - Parameter samples: in any order.
  init(url: URL, manifest: RunManifest, samples: [Sample]) {
    self.url = url
    self.manifest = manifest
    self.samples = manifest.plan.ordered(samples)
  }
}

extension RunFolder {
  /// The samples so far, in the order of the plan.
  package var samples: [Sample] { manifest.plan.ordered(journal.samples) }
}

extension RunManifest.Plan {
  /// Samples in the order of their cells, in it of their prompts' ids as people count (`q2` before `q10`),
  /// in it of their numbers: what is told of them does not depend on which reply arrived first.
  package func ordered(_ samples: [Sample]) -> [Sample] {
    let cells = Dictionary(
      cells.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    let ids = Set(samples.map(\.id)).sorted {
      switch $0.compare($1, options: .numeric) {
      case .orderedAscending: true
      case .orderedDescending: false
      case .orderedSame: $0 < $1
      }
    }
    let prompts = Dictionary(
      ids.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    func place(_ sample: Sample) -> (Int, Int, Int) {
      (cells[sample.cell] ?? cells.count, prompts[sample.id] ?? prompts.count, sample.sample)
    }
    let places = samples.map(place)
    // One process at a time asks them in this order already.
    if zip(places, places.dropFirst()).allSatisfy({ $0 <= $1 }) { return samples }
    return samples.indices.sorted { places[$0] < places[$1] }.map { samples[$0] }
  }
}
