import Foundation
import Runs
import Scoring
import Support

/// A gate's ledger: what is read is written so that it reads the same, and its tests come to an end in bounded time.
struct LedgerTarget: FuzzTarget {
  static let name = "ledger"

  private let scratch = ScratchFolder()
  private let file: LedgerFile

  init() {
    do {
      file = try LedgerFile(scratch.url.appending(path: "ledger.json"))
    } catch {
      fatalError("no ledger: \(error)")
    }
  }

  func run(_ bytes: [UInt8]) {
    _ = scratch.write(bytes, to: "ledger.json")
    _ = try? LedgerFile.read(file.url)
    // Few inputs have the digest of their content: written anew they do.
    guard
      let book = try? SchemaFile.decode(
        LedgerBook.self, from: Data(bytes), current: LedgerBook.currentSchema, migrations: []),
      (try? file.write(book)) != nil
    else { return }
    let kept: LedgerBook
    do throws(LedgerError) {
      guard let read = try LedgerFile.read(file.url) else {
        return check(false, "what was written is there")
      }
      kept = read
    } catch {
      _ = error.description
      return
    }
    check(
      kept.checks == book.checks && kept.subject == book.subject, "a ledger comes back as it was")
    check(kept.differences(from: kept).isEmpty, "a ledger is of its own claim")
    for one in kept.checks.prefix(3) {
      let test = one.ledger.test
      check(test.prompts <= one.counted.count, "no test has seen more than was counted")
      for share in one.runs.prefix(3) {
        check(kept.holds(run: share.run), "a run that counted is held")
        check(!kept.without(run: share.run).holds(run: share.run), "and can be taken out")
      }
    }
    _ = (kept.evidence, kept.checks.first.map { kept.exhausted(in: $0.dataset) })
  }
}
