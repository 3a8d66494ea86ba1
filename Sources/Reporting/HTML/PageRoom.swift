import Support

/// How much of a run's samples stands in `report.html`: a page of tens of megabytes opens slowly or not at all. What it leaves
/// out is in the run's journal, and the page says so.
struct PageRoom {
  /// Samples in one page at most: the first of each cell, as many of each.
  static let mostSamples = 20_000
  /// Bytes of replies, and of prompts, in one page.
  static let mostBytes = 8_000_000
  /// What a text is never cut below, in characters.
  static let leastCharacters = 240

  /// Of each cell.
  let samplesOfCell: Int
  /// Of a prompt or a reply.
  let charactersOfText: Int
  private let samples: Int

  /// - Parameters:
  ///   - samples: of the whole run.
  ///   - cells: that have some.
  init(samples: Int, cells: Int) {
    self.samples = samples
    samplesOfCell =
      samples <= Self.mostSamples ? .max : max(1, Self.mostSamples / max(1, cells))
    charactersOfText = max(
      Self.leastCharacters, Self.mostBytes / max(1, min(samples, Self.mostSamples)))
  }

  /// A text, or its beginning and how much follows.
  func cut(_ text: String) -> String {
    // Bytes are counted at once, characters one by one, and there are never more of them.
    guard text.utf8.count > charactersOfText,
      let end = text.index(
        text.startIndex, offsetBy: charactersOfText, limitedBy: text.endIndex),
      end < text.endIndex
    else { return text }
    let rest = text.distance(from: end, to: text.endIndex)
    return "\(text[..<end]) … (\(rest) more characters in samples.jsonl)"
  }

  /// What a reader must know of it; empty where every sample is there.
  var remark: String {
    samplesOfCell == .max
      ? ""
      : " The first \(samplesOfCell) of each model and data set, of \(samples) in all: the others are in "
        + "samples.jsonl, which loxeval show reads."
  }
}
