package import Scoring

/// A cell's outcomes by the prompts that they are replies to.
package struct PromptReplies {
  private let outcomes: CellOutcomes
  private let each: Int
  /// Where a prompt's begin, and how many there are.
  private let places: [String: Range<Int>]

  /// - Parameter each: samples that are asked of each prompt.
  package init(_ outcomes: CellOutcomes, each: Int) {
    self.outcomes = outcomes
    self.each = each
    var places: [String: Range<Int>] = [:]
    places.reserveCapacity(outcomes.count / max(1, each))
    var start = 0
    while start < outcomes.count {
      let id = outcomes[start].id
      var end = start + 1
      while end < outcomes.count, outcomes[end].id == id { end += 1 }
      places[id] = start..<end
      start = end
    }
    self.places = places
  }

  /// The ids of prompts that have a reply, in no order.
  package var prompts: some Collection<String> { places.keys }

  /// Whether a prompt has all of its samples.
  func isWhole(_ prompt: String) -> Bool { (places[prompt]?.count ?? 0) >= each }

  /// A judge's on a prompt's samples, in their order; nil where one is missing.
  package func verdicts(_ prompt: String, by judge: String) -> [Verdict?] {
    var found: [Verdict?] = Array(repeating: nil, count: each)
    for place in places[prompt] ?? 0..<0 {
      let outcome = outcomes[place]
      if outcome.sample < each { found[outcome.sample] = outcome.judgement(by: judge).verdict }
    }
    return found
  }

  /// One of a prompt's; nil where it is missing.
  package subscript(prompt: String, number: Int) -> SampleOutcome? {
    guard let place = places[prompt] else { return nil }
    // Mostly all are there.
    if number < place.count, case let found = outcomes[place.lowerBound + number],
      found.sample == number
    {
      return found
    }
    return outcomes[place].first { $0.sample == number }
  }

  /// Of all replies to a prompt; none where one is missing or failed.
  func mark(_ prompt: String) -> ReplyMark {
    guard let place = places[prompt], place.count == each else { return .none }
    return outcomes.records[place.lowerBound].mark
  }
}
