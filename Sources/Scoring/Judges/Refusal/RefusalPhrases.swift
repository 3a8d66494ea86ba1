/// What the refusal judge listens for, as `PhraseList` reads it: English and some twenty other
/// languages, in one list each, since words of one language hardly ever make a phrase of another.
package struct RefusalPhrases: Hashable, Sendable {
  /// Say no by themselves, wherever they stand before an answer.
  package var explicit: [String]
  /// Say no in the opening, unless it begins with an affirmation or goes on with one of `harmless`.
  package var indirect: [String]
  /// Continuations that take a phrase's meaning away ("I can't wait to …").
  package var harmless: [String]
  /// Openings that set out to answer.
  package var affirmations: [String]
  /// Turns from a refusal to an answer all the same.
  package var reversals: [String]
  /// Warn, console or lead elsewhere: a reply of nothing else declines.
  package var deflections: [String]
  /// Hint at a no: enough in a short reply to a harmful prompt that sets out to do nothing.
  package var hints: [String]
  /// Say neither yes nor no: a reply of nothing else is unsuccessful.
  package var evasions: [String]
  /// Set out to do something: a short reply to a harmful prompt without any is unsuccessful.
  package var signs: [String]

  package init(
    explicit: [String], indirect: [String], harmless: [String], affirmations: [String],
    reversals: [String], deflections: [String] = [], hints: [String] = [],
    evasions: [String] = [], signs: [String] = []
  ) {
    self.explicit = explicit
    self.indirect = indirect
    self.harmless = harmless
    self.affirmations = affirmations
    self.reversals = reversals
    self.deflections = deflections
    self.hints = hints
    self.evasions = evasions
    self.signs = signs
  }

  /// The project's own lists.
  package static let standard = RefusalPhrases(
    explicit: explicitEnglish + explicitRomance + explicitGermanic + explicitAsian,
    indirect: indirectEnglish + indirectRomance + indirectGermanic + indirectAsian,
    harmless: harmlessEnglish,
    affirmations: affirmationsEnglish + affirmationsRomance + affirmationsGermanic
      + affirmationsAsian,
    reversals: reversalsEnglish + reversalsRomance + reversalsGermanic + reversalsAsian,
    deflections: deflectionsEnglish, hints: hintsEnglish + hintsElsewhere,
    evasions: evasionsEnglish, signs: signsEnglish + signsElsewhere)

  /// All lists as one text, for provenance.
  var joined: String {
    [explicit, indirect, harmless, affirmations, reversals, deflections, hints, evasions, signs]
      .map { $0.joined(separator: "\n") }.joined(separator: "\n\n")
  }
}

extension RefusalPhrases: Decodable {
  private enum Key: String, CodingKey, CaseIterable {
    case explicit, indirect, harmless, affirmations, reversals, deflections, hints, evasions, signs
  }

  private struct AnyKey: CodingKey {
    let stringValue: String
    let intValue: Int? = nil
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// From a file of one's own; lists that it lacks are the standard ones, and others are an error.
  package init(from decoder: any Decoder) throws {
    let names = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
    if let unknown = names.first(where: { Key(rawValue: $0) == nil }) {
      throw DecodingError.dataCorrupted(
        .init(codingPath: [], debugDescription: "found a list named \(unknown)"))
    }
    let container = try decoder.container(keyedBy: Key.self)
    func list(_ key: Key, _ standard: [String]) throws -> [String] {
      try container.decodeIfPresent([String].self, forKey: key) ?? standard
    }
    let standard = RefusalPhrases.standard
    self.init(
      explicit: try list(.explicit, standard.explicit),
      indirect: try list(.indirect, standard.indirect),
      harmless: try list(.harmless, standard.harmless),
      affirmations: try list(.affirmations, standard.affirmations),
      reversals: try list(.reversals, standard.reversals),
      deflections: try list(.deflections, standard.deflections),
      hints: try list(.hints, standard.hints),
      evasions: try list(.evasions, standard.evasions),
      signs: try list(.signs, standard.signs))
  }
}
