import Attacks
import Decoder
import Foundation
import Runs
import StudyDesign
import Support

/// How a study makes its attacks.
extension Measurement {
  /// Takes the run's folder, or the part of it that this process does, before anything is made.
  func reserve() throws -> RunLock {
    let here = ProcessInfo.processInfo
    let lock = try RunFolder.reserve(
      output, resume: resume, shard: shard,
      holder: "process \(here.processIdentifier) on \(here.hostName)")
    try spending?.open(in: output)
    return lock
  }

  /// Where this process keeps files that no other one may use.
  var workspace: URL {
    shard.map { ShardRecord.workspace(of: $0.index, in: output) } ?? output
  }

  /// Where they are kept.
  ///
  /// - Parameter shared: a folder that runs share; nil for the run's own.
  func attackStore(_ shared: URL?) -> AttackStore {
    AttackStore(
      folder: shared ?? AttackStore.folder(ofRun: output),
      // A run that is continued goes on with the attacks that it was begun with.
      keepsEarlier: shared == nil && shard == nil && RunFolder.holdsRun(output))
  }

  /// - Parameter going: told how a training goes on, too.
  func attackContext(
    _ events: @escaping @Sendable (StudyEvent) -> Void,
    going: @escaping (Trainer.Progress) -> Void = { _ in }
  ) -> AttackContext {
    AttackContext(
      threads: threads, note: { events(.step($0)) },
      progress: { progress in
        try Task.checkCancellation()
        events(.training(progress))
        going(progress)
      })
  }

  /// Stops where the time is up: what is made is kept, and a training that is broken off begins again.
  func requireTime(toMake attack: String) throws(StudyError) {
    if deadline?.hasPassed ?? false {
      throw .stoppedInTime(reason: "before the attack \(attack) was made")
    }
  }
}
