import Foundation
import TestSupport
import Testing

/// Spoiled copies of every kind of file: each is used or refused with a sentence, in a short time, and
/// what is accepted holds what it must.
///
/// `LOXEVAL_MUTANTS` says how many of each kind; the file that was read last stands in the system's
/// temporary folder under `loxeval-mutant`, for where the process ends.
@Suite(.serialized) struct MutantTests {
  private static let count =
    ProcessInfo.processInfo.environment["LOXEVAL_MUTANTS"].flatMap { Int($0) } ?? 12

  /// Seconds that one may take; a sound one takes a few hundredths.
  private static let limit = 10.0

  @Test(arguments: MutantSubject.all) func mutantsAreUsedOrRefused(subject: MutantSubject) throws {
    let folder = try TemporaryFolder()
    try subject.prepare(folder)
    let place = folder.url.appending(path: subject.file)
    let original = [UInt8](try Data(contentsOf: place))
    try subject.use(folder.url)
    let last = FileManager.default.temporaryDirectory
      .appending(path: "loxeval-mutant-\(place.lastPathComponent)")
    var refused = 0
    for seed in 0..<Self.count {
      var mutator = Mutator(seed: UInt64(seed) &* 7_919 &+ UInt64(subject.file.utf8.count))
      let spoiled = mutator.spoil(original, headed: subject.isHeaded)
      try Data(spoiled).write(to: place)
      try Data(spoiled).write(to: last)
      let start = ContinuousClock.now
      do {
        try subject.use(folder.url)
      } catch let error as MutantSubject.Broken {
        Issue.record("\(subject.file), mutant \(seed): does not hold: \(error)")
      } catch {
        refused += 1
        // A value or two of the file's, and not the file.
        #expect("\(error)".utf8.count < 20_000, "\(subject.file), mutant \(seed)")
      }
      let seconds = Double((ContinuousClock.now - start).components.seconds)
      #expect(seconds < Self.limit, "\(subject.file), mutant \(seed)")
    }
    try FileManager.default.removeItem(at: last)
    if Self.count > 100 { print("\(subject.file): \(Self.count) mutants, \(refused) refused") }
  }
}
