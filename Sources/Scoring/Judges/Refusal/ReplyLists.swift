/// The phrases of the refusal judge, ready to be looked for.
///
/// A class, since every reading of a reply holds them.
final class ReplyLists: Sendable {
  static let standard = ReplyLists(.standard)

  let vocabulary: Vocabulary
  let explicit: PhraseList
  let indirect: PhraseList
  let harmless: PhraseList
  let affirmations: PhraseList
  let reversals: PhraseList
  let deflections: PhraseList
  let hints: PhraseList
  let evasions: PhraseList
  let signs: PhraseList
  let particles: PhraseList

  init(_ phrases: RefusalPhrases) {
    var vocabulary = Vocabulary()
    func list(_ texts: [String]) -> PhraseList {
      PhraseList(texts, classes: RefusalPhrases.classes, &vocabulary)
    }
    explicit = list(phrases.explicit)
    indirect = list(phrases.indirect)
    harmless = list(phrases.harmless)
    affirmations = list(phrases.affirmations)
    reversals = list(phrases.reversals)
    deflections = list(phrases.deflections)
    hints = list(phrases.hints)
    evasions = list(phrases.evasions)
    signs = list(phrases.signs)
    particles = list(RefusalPhrases.particles)
    self.vocabulary = vocabulary
  }
}
