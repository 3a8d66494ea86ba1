import Foundation
package import Support

extension TrainingSet {
  /// Of a mixture, the part that comes from the other set.
  package static let mixtureRange = NumberRange<Double>.above(0, upTo: 0.9)

  /// How many dialogues of another set make a share of the mixture with all of this one; at least one.
  private func count(ofShare share: Double) -> Int {
    max(1, Int((share / (1 - share) * Double(dialogues.count)).rounded()))
  }

  /// All dialogues of this set, and so many of another that they are a share of all: taken from it at even
  /// distances, and laid between this set's at even distances.
  ///
  /// - Parameter share: of `mixtureRange`.
  /// - Throws: `TrainingError.tooFewToMix` where the other set does not have so many.
  package func mixed(with other: TrainingSet, share: Double) throws(TrainingError) -> TrainingSet {
    let count = count(ofShare: share)
    guard count <= other.dialogues.count else {
      throw .tooFewToMix(source: other.source, expected: count, found: other.dialogues.count)
    }
    let taken = (0..<count).map { other.dialogues[$0 * other.dialogues.count / count] }
    var mixture: [Dialogue] = []
    var next = 0
    for (index, dialogue) in dialogues.enumerated() {
      mixture.append(dialogue)
      while next < count, (next + 1) * dialogues.count <= (index + 1) * count {
        mixture.append(taken[next])
        next += 1
      }
    }
    mixture += taken[next...]
    let percent = Number.prose((Double(count) / Double(mixture.count) * 1_000).rounded() / 10)
    return TrainingSet(
      source: "\(source) with \(other.source)", dialogues: mixture,
      digest: Digest.sha256(Data("\(digest) with \(count) of \(other.digest)".utf8)),
      name: "\(name) with \(percent) % of \(other.name)")
  }
}
