package import Foundation
import Scoring
import Support

/// A ledger's file, held by one process at a time and replaced whole.
package final class LedgerFile: Sendable {
  package let url: URL
  /// As it was when it was opened; nil where there was none.
  package let book: LedgerBook?
  private let lock: FileLock

  /// - Throws: ``LedgerError``.
  package init(_ url: URL) throws(LedgerError) {
    self.url = url
    let folder = url.deletingLastPathComponent()
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    do throws(FolderLock.Failure) {
      lock = try FileLock(of: url)
    } catch {
      switch error {
      case .inUse: throw .inUse(path: url.path)
      case .system(let code):
        throw .unwritable(path: url.path, reason: unsafe String(cString: strerror(code)))
      }
    }
    book = try Self.read(url)
  }

  /// - Returns: nil where there is no file.
  package static func read(_ url: URL) throws(LedgerError) -> LedgerBook? {
    let data: Data
    do throws(InputFile.Fault) {
      guard let file = try InputFile.ifPresent(url, .records) else { return nil }
      data = file.body
    } catch {
      throw .unreadable(path: url.path, reason: error.reason)
    }
    let book: LedgerBook
    do {
      book = try SchemaFile.decode(
        LedgerBook.self, from: data, current: LedgerBook.currentSchema, migrations: [])
    } catch {
      throw .unreadable(path: url.path, reason: "it is no ledger: \(error.plainReason)")
    }
    if let contradiction = book.contradiction {
      throw .unreadable(path: url.path, reason: "\(contradiction): that cannot be a ledger's")
    }
    guard book.digest == book.ownDigest else {
      throw .unreadable(
        path: url.path, reason: "its digest is not that of its content: it was edited or damaged")
    }
    return book
  }

  package func write(_ book: LedgerBook) throws(LedgerError) {
    var book = book
    book.digest = book.ownDigest
    do {
      try AtomicFile.write(try StableJSON.encode(book) + Data("\n".utf8), to: url)
    } catch {
      throw .unwritable(path: url.path, reason: error.plainReason)
    }
  }
}

extension LedgerBook {
  fileprivate var ownDigest: String {
    var book = self
    book.digest = ""
    return Digest.sha256((try? StableJSON.encode(book)) ?? Data())
  }

  /// Why the numbers cannot be those of a ledger; nil where they can.
  fileprivate var contradiction: String? {
    func isLevel(_ value: Double) -> Bool { value > 0 && value < 1 }
    guard isLevel(confidence), restarts >= 0 else { return "confidence \(confidence)" }
    for check in checks {
      let isChange = check.rule == .maximumIncrease
      guard (isChange ? -1.0...1 : 0...1).contains(check.limit) else {
        return "a limit of \(check.limit)"
      }
      guard isLevel(check.level), isLevel(check.breachLevel) else { return "a level" }
      guard (1...100_000_000).contains(check.horizon) else { return "horizon \(check.horizon)" }
      var seen: Set<String> = []
      for entry in check.counted {
        guard seen.insert(entry.prompt).inserted else { return "prompt \(entry.prompt) twice" }
        let range = isChange ? -1.0...1.0 : 0.0...1.0
        let numbers = [
          entry.seen.lowest, entry.seen.highest, entry.seen.firstLowest, entry.seen.firstHighest,
        ]
        guard numbers.allSatisfy(range.contains), entry.seen.lowest <= entry.seen.highest else {
          return "what prompt \(entry.prompt) showed"
        }
      }
      let shares = check.runs.map(\.prompts)
      guard shares.allSatisfy({ $0 > 0 && $0 <= check.counted.count }),
        shares.reduce(0, +) == check.counted.count
      else { return "the number of prompts that its runs counted" }
    }
    return nil
  }
}

/// What can be wrong with a ledger.
package enum LedgerError: Error, Equatable, CustomStringConvertible {
  case unreadable(path: String, reason: String)
  case unwritable(path: String, reason: String)
  case inUse(path: String)
  /// Its evidence is about something else.
  case otherClaim(path: String, differences: [String])
  case everythingDecided(path: String)
  case everythingCounted(path: String, dataset: String)

  package var description: String {
    switch self {
    case .unreadable(let path, let reason):
      "\(path): expected a ledger: \(reason); restore it, or name another --ledger"
    case .unwritable(let path, let reason):
      "\(path): the ledger cannot be written: \(reason)"
    case .inUse(let path):
      "\(path): another process is counting in this ledger; wait for it"
    case .otherClaim(let path, let differences):
      "\(path): the ledger is of another model or claim: \(differences.joined(separator: "; ")); "
        + "name another --ledger, or begin this one afresh with --fresh-ledger"
    case .everythingDecided(let path):
      "\(path): the ledger has decided every limit already, so there is nothing to ask; gate shows it, "
        + "and --fresh-ledger begins afresh"
    case .everythingCounted(let path, let dataset):
      "\(path): the ledger has counted every prompt of \(dataset), and a prompt counts once; name a "
        + "larger set"
    }
  }
}
