package import Foundation
import Support

/// Requests of one kind that a difference of means is taken over.
///
/// The last of them are kept aside: what is chosen is chosen on those.
package struct ContrastPrompts: Sendable {
  package let prompts: [String]
  /// SHA-256 of the file.
  package let digest: String

  /// One in four is kept aside.
  private static let share = 4
  /// Fewer say nothing of a kind.
  package static let fewest = 8

  package var measured: [String] { Array(prompts.dropLast(prompts.count / Self.share)) }
  package var aside: [String] { Array(prompts.suffix(prompts.count / Self.share)) }

  package init(prompts: [String], digest: String) {
    self.prompts = prompts
    self.digest = digest
  }

  /// Reads lines (or a list) of `{"prompt": …}`.
  ///
  /// - Throws: `AttackError.unreadablePrompts`.
  package init(file: URL) throws(AttackError) {
    func unreadable(_ reason: String) -> AttackError {
      .unreadablePrompts(path: file.path, reason: reason)
    }
    let input: InputFile
    let records: [RecordFile.Record]
    do throws(InputFile.Fault) {
      input = try InputFile(file, .records)
    } catch {
      throw unreadable(error.reason)
    }
    do throws(RecordFile.Fault) {
      records = try RecordFile.records(of: input) { $0["prompt"] != nil }
    } catch {
      throw unreadable("\(error)")
    }
    var prompts: [String] = []
    for record in records {
      guard let prompt = record.value["prompt"]?.text, !prompt.isEmpty else {
        throw unreadable("\(record.place) has no text named prompt")
      }
      prompts.append(prompt)
    }
    guard prompts.count >= Self.fewest else {
      throw unreadable("it holds \(prompts.count) prompts, expected \(Self.fewest) or more")
    }
    self.init(prompts: prompts, digest: Digest.sha256(input.data))
  }
}
