package import Foundation
package import StudyDesign
import Support

/// A run's samples one after the other, as its journals have them: the first comes at once, and a run of any size
/// takes no more room than what failed in it.
package struct SampleStream {
  package let manifest: RunManifest
  private let folder: URL
  private let files: [URL]

  /// Opens a run that others may be writing.
  ///
  /// - Throws: `RunError` where there is none that can be read.
  package init(_ folder: URL) throws(RunError) {
    self.folder = folder
    manifest = try RunManifest.read(from: folder)
    files = try Journal.files(of: manifest.division, in: folder).map(\.url)
  }

  /// Ends the reading of a file.
  private struct Enough: Error {}

  /// Hands over each sample once, as its last line has it. Samples that failed, or of which a judge did, may be
  /// asked again by a later line: they come at the end.
  ///
  /// - Parameters:
  ///   - isWanted: whether samples of a cell are; others are not handed over.
  ///   - body: returns whether there is to be more.
  package func read(
    of isWanted: (CellID) -> Bool = { _ in true }, _ body: (Sample) throws -> Bool
  ) throws {
    let lines = JournalLines(manifest.plan)
    let planned = Set(manifest.plan.cells.map(\.id))
    var held: [Sample.Key: (place: Int, sample: Sample)] = [:]
    for file in files {
      do {
        try StreamedLines.read(file, decoding: lines.decoding()) { line, sample in
          guard let sample else {
            throw RunError.malformedJournal(
              path: file.path, line: line.number, reason: "it does not parse as a sample")
          }
          guard planned.contains(sample.cell) else {
            throw RunError.foreignSample(
              path: folder.path, sample: "\(sample.id) of \(sample.cell)",
              reason: "a cell that is not planned")
          }
          guard isWanted(sample.cell) else { return }
          if let reason = held[sample.key]?.sample.objection(to: sample) {
            throw RunError.malformedJournal(
              path: file.path, line: line.number,
              reason: "\(sample.id) of \(sample.cell) was journalled before\(reason)")
          }
          guard sample.failure == nil, !sample.hasFailedJudge else {
            held[sample.key] = (held[sample.key]?.place ?? held.count, sample)
            return
          }
          held[sample.key] = nil
          if try !body(sample) { throw Enough() }
        }
      } catch is Enough {
        return
      } catch let fault as InputFile.Fault {
        throw RunError.unreadable(path: file.path, reason: fault.reason)
      }
    }
    for failed in held.values.sorted(by: { $0.place < $1.place }) {
      if try !body(failed.sample) { return }
    }
  }
}
