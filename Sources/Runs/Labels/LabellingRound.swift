package import Foundation

/// A round of labelling: one reply after the other, each answer kept at once, and a way back.
package struct LabellingRound {
  package let samples: [Sample]
  private let run: String
  private var file: LabelFile
  private var answers: [Sample.Key: RunLabel.Answer]
  /// Which reply is shown; `samples.count` when all are labelled.
  package private(set) var position = 0

  /// Goes on where the file's labels end.
  ///
  /// - Parameters:
  ///   - count: of replies that are to have a label in the end.
  ///   - seed: of the draw.
  /// - Throws: `LabelError` where the file is none of this run's, or there is nothing to label.
  package init(
    of stored: StoredRun, file url: URL, count: Int, seed: UInt64
  ) throws(LabelError) {
    file = try LabelFile(url, of: stored, mayBeMissing: true)
    answers = Dictionary(
      file.labels.map { ($0.key, $0.label) }, uniquingKeysWith: { _, last in last })
    do throws(RunError) {
      samples = try LabelSample(stored, seed: seed).draw(count, labelled: file.labels.map(\.key))
    } catch {
      throw .unreadable(path: stored.url.path, reason: "\(error)")
    }
    guard !samples.isEmpty else { throw .nothingToLabel(path: stored.url.path) }
    run = stored.manifest.identity
    position = next(from: 0)
  }

  /// The reply to be labelled; nil where all are.
  package var current: Sample? { position < samples.count ? samples[position] : nil }
  /// What it is labelled as already.
  package var answer: RunLabel.Answer? { current.flatMap { answers[$0.key] } }
  /// How many of the replies have a label.
  package var labelled: Int { samples.count { answers[$0.key] != nil } }

  /// Labels the reply that is shown, keeps that, and goes on to the next without a label.
  package mutating func label(_ answer: RunLabel.Answer) throws {
    guard let sample = current else { return }
    try file.set(answer, of: sample, run: run)
    answers[sample.key] = answer
    position = next(from: position + 1)
  }

  /// Goes back to the reply before; false where there is none.
  package mutating func back() -> Bool {
    guard position > 0 else { return false }
    position -= 1
    return true
  }

  /// The first reply without a label from a place on, else the first of all.
  private func next(from start: Int) -> Int {
    func isOpen(_ place: Int) -> Bool { answers[samples[place].key] == nil }
    return (start..<max(start, samples.count)).first(where: isOpen)
      ?? samples.indices.first(where: isOpen) ?? samples.count
  }
}
