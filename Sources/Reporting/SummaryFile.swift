import Analysis
import Foundation
import Runs
import Support

/// `summary.json`, written piece by piece: what each prompt came to is a line for each of millions.
enum SummaryFile {
  /// Writes what `StableJSON.encodePretty` gives, whole or not at all.
  static func write(_ summary: Summary, to file: URL) throws {
    try AtomicFile.write(to: file) { writer in
      guard let outcomes = summary.outcomes else {
        return try writer.write(try StableJSON.encodePretty(summary))
      }
      var rest = summary
      rest.outcomes = RecordedOutcomes.placeholder
      let text = try StableJSON.encodePretty(rest)
      let stand = try RecordedOutcomes.placeholderText(indented: 1)
      // Only members of the whole stand at this depth: within texts there are no line breaks.
      let name = Data("\n  \"outcomes\" : ".utf8)
      guard let place = text.firstRange(of: name + stand) else {
        return try writer.write(try StableJSON.encodePretty(summary))
      }
      try writer.write(text[..<place.lowerBound])
      try writer.write(name)
      try outcomes.write(to: &writer, indented: 1)
      try writer.write(text[place.upperBound...])
    }
  }
}
