import Support

/// The order in which a test that is looked at on the way meets a set's prompts: shuffled by a seed.
///
/// A set goes through its categories by turns or one by one, and its beginning need not be like its end;
/// a test that may stop early must not depend on that. Each prompt's place is mixed from the seed and its
/// id alone, so a journal tells the order without the set.
package struct PromptOrder: Sendable {
  private let seed: UInt64

  package init(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    self.seed = generator.next()
  }

  package func sorted<Element>(
    _ elements: some Sequence<Element>, by id: (Element) -> String
  ) -> [Element] {
    elements.map { element in
      let id = id(element)
      var generator = SplitMix64(seed: seed ^ Fingerprint.hash("order\n\(id)"))
      return (place: generator.next(), id: id, element: element)
    }
    .sorted { ($0.place, $0.id) < ($1.place, $1.id) }.map(\.element)
  }

  package func sorted(_ ids: some Sequence<String>) -> [String] { sorted(ids) { $0 } }
}
