package import Foundation
package import ModelAccess
package import StudyDesign
import Support

/// `shard-I.json`: what one shard of a run knows that the plan does not, written by that shard alone.
package struct ShardRecord: Codable, Hashable, Sendable {
  package var schema = 1
  package var shard: Int
  /// Digests of the updates that it made, by name.
  package var updates: [String: String] = [:]
  /// What answers; empty before its servers stood ready.
  package var server = ""
  /// How requests are written, where it is not as usual.
  package var request: RequestForm?
  /// Each start of it, the first first.
  package var sessions: [Session]

  package init(shard: Int, sessions: [Session]) {
    self.shard = shard
    self.sessions = sessions
  }

  static func fileName(_ shard: Int) -> String { "shard-\(shard).json" }

  /// Where its server's files and merged checkpoints stand.
  package static func workspace(of shard: Int, in run: URL) -> URL {
    run.appending(path: "shard-\(shard)")
  }

  static func file(_ shard: Int, in folder: URL) -> URL {
    folder.appending(path: fileName(shard))
  }

  /// - Returns: nil where the shard never began.
  static func read(_ shard: Int, in folder: URL) throws(RunError) -> ShardRecord? {
    let file = file(shard, in: folder)
    do {
      guard let data = try InputFile.ifPresent(file, .records)?.body else { return nil }
      let record = try JSONDecoder().decode(ShardRecord.self, from: data)
      guard record.schema == 1, record.shard == shard else {
        throw RunError.unreadable(
          path: file.path,
          reason:
            "expected the record of shard \(shard), schema 1, found that of \(record.shard), schema "
            + "\(record.schema)")
      }
      return record
    } catch let error as RunError {
      throw error
    } catch {
      throw .unreadable(
        path: file.path, reason: "it is not a shard's record: \(error.plainReason)")
    }
  }

  /// Of every shard that began, in order.
  package static func all(of division: Division, in folder: URL) throws(RunError) -> [ShardRecord] {
    var records: [ShardRecord] = []
    for shard in 1...division.shards {
      if let record = try read(shard, in: folder) { records.append(record) }
    }
    return records
  }

  func write(in folder: URL) throws {
    try AtomicFile.write(
      try StableJSON.encodePretty(self), to: Self.file(shard, in: folder))
  }

  /// Whether a process works on the shard now.
  package static func isHeld(_ shard: Int, in folder: URL) -> Bool {
    FileLock.isHeld(of: file(shard, in: folder))
  }
}

/// What the sessions of one run know together that its plan left open.
struct JoinedRecords {
  private(set) var updates: [String: String] = [:]
  private(set) var server = ""
  private(set) var request: RequestForm?
  private(set) var sessions: [Session] = []
  /// Who said it first.
  private var makers: [String: Part] = [:]
  private var answering: Part?

  /// What one part of a run says.
  struct Part {
    /// As errors call it.
    var name: String
    var updates: [String: String]
    var server: String
    var request: RequestForm?
    var sessions: [Session]

    /// What computed there; empty where nobody knows.
    var processors: Set<String> { Set(sessions.map(\.processor)) }
  }

  /// - Throws: `RunError.partsDiffer` where two parts cannot be of one run.
  init(_ parts: [Part], in place: String) throws(RunError) {
    for part in parts { try add(part, in: place) }
  }

  private mutating func add(_ part: Part, in place: String) throws(RunError) {
    for (name, digest) in part.updates.sorted(by: { $0.key < $1.key }) {
      guard let known = updates[name], let maker = makers[name] else {
        updates[name] = digest
        makers[name] = part
        continue
      }
      // On unlike processors the last bits may differ; which they are is told in the report.
      guard known == digest || maker.processors != part.processors else {
        throw .partsDiffer(
          path: place,
          fields: [
            "the update \(name) is \(known) of \(maker.name) and \(digest) of \(part.name), whose processors "
              + "are alike"
          ])
      }
    }
    if !part.server.isEmpty {
      if let answering {
        guard server == part.server else {
          throw .partsDiffer(
            path: place,
            fields: [
              "the server of \(answering.name) is \(server) and that of \(part.name) \(part.server)"
            ])
        }
        request = try joined(request, part.request, answering, part, in: place)
      } else {
        answering = part
        server = part.server
        request = part.request
      }
    }
    sessions += part.sessions
  }

  /// Servers may have refused fields on one shard's way that no other's met.
  private func joined(
    _ one: RequestForm?, _ other: RequestForm?, _ first: Part, _ second: Part, in place: String
  ) throws(RunError) -> RequestForm? {
    guard one != other else { return one }
    let (one, other) = (one ?? .usual, other ?? .usual)
    guard one.wanted == other.wanted else {
      throw .partsDiffer(
        path: place,
        fields: [
          "requests are written \(one.label.isEmpty ? "as usual" : one.label) by \(first.name) and "
            + "\(other.label.isEmpty ? "as usual" : other.label) by \(second.name)"
        ])
    }
    return RequestForm(
      omitted: one.omitted, extra: one.extra, refused: one.refused + other.refused)
  }
}
