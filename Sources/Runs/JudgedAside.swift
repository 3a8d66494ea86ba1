package import Foundation
package import Scoring
import StudyDesign
import Support

/// Judgements of a run's replies that are not part of the run yet: a line each, appended as it is made, so
/// that judging again goes on where it was broken off.
package final class JudgedAside {
  /// One judge's word on one reply.
  private struct Line: Codable {
    var cell: CellID
    var id: String
    var sample: Int
    var judge: String
    var configuration: String
    var judgement: Judgement
  }

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
      guard let read = try? JSONDecoder().decode(Line.self, from: line.bytes) else { continue }
      let sample = Sample.Key(cell: read.cell, id: read.id, sample: read.sample)
      judgements[Key(sample: sample, judge: read.judge, configuration: read.configuration)] =
        read.judgement
    }
  }

  /// What a judge, configured so, said of a reply last; nil where it was not asked.
  package func judgement(of sample: Sample.Key, by judge: any Judge) -> Judgement? {
    judgements[
      Key(sample: sample, judge: judge.name, configuration: judge.configuration)]
  }

  package func append(_ judgement: Judgement, of sample: Sample.Key, by judge: any Judge) throws {
    let line = Line(
      cell: sample.cell, id: sample.id, sample: sample.sample, judge: judge.name,
      configuration: judge.configuration, judgement: judgement)
    try file.append(try StableJSON.encode(line))
    let key = Key(sample: sample, judge: judge.name, configuration: judge.configuration)
    judgements[key] = judgement
  }

  /// Takes the file away, once its judgements are part of the run.
  package func remove() { try? FileManager.default.removeItem(at: url) }
}
