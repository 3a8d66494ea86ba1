package import Foundation
package import Scoring
import StudyDesign
import Support

/// Judgements of a run's replies that are not part of the run yet: a line each, appended as it is made, so
/// that judging again goes on where it was broken off.
package final class JudgedAside {
  private struct Key: Hashable {
    let sample: Sample.Key
    let judge: String
    let configuration: String
  }

  static let fileName = "rejudged.jsonl"

  private let url: URL
  private let file: AppendedFile
  private var judgements: [Key: Judgement] = [:]

  /// Opens or creates the file in a run's folder; the caller holds the folder's lock.
  package init(folder: URL) throws {
    url = folder.appending(path: Self.fileName)
    file = try AppendedFile(url)
    let input = try InputFile(url, .records)
    // The last line of a machine that failed may lack its end.
    let whole = input.data.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    try file.cut(to: whole)
    for line in input.lines {
      guard let read = try? JSONNode(parsing: [UInt8](line.bytes)), let cell = read["cell"]?.text,
        let id = read["id"]?.text, let number = read["sample"]?.integer,
        let judge = read["judge"]?.text, let configuration = read["configuration"]?.text,
        let judgement = try? read["judgement"].map(Judgement.init)
      else { continue }
      let sample = Sample.Key(cell: CellID(rawValue: cell), id: id, sample: number)
      judgements[Key(sample: sample, judge: judge, configuration: configuration)] = judgement
    }
  }

  /// What a judge, configured so, said of a reply last; nil where it was not asked.
  package func judgement(of sample: Sample.Key, by judge: any Judge) -> Judgement? {
    judgements[
      Key(sample: sample, judge: judge.name, configuration: judge.configuration)]
  }

  package func append(_ judgement: Judgement, of sample: Sample.Key, by judge: any Judge) throws {
    let line = JSONNode.object(of: [
      ("cell", .string(sample.cell.rawValue)), ("configuration", .string(judge.configuration)),
      ("id", .string(sample.id)), ("judge", .string(judge.name)),
      ("judgement", try judgement.json), ("sample", .integer(sample.sample)),
    ])
    try file.append(Data(line.bytes))
    let key = Key(sample: sample, judge: judge.name, configuration: judge.configuration)
    judgements[key] = judgement
  }

  /// Takes the file away, once its judgements are part of the run.
  package func remove() { try? FileManager.default.removeItem(at: url) }
}
