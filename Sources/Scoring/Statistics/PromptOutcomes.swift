/// What the samples of each prompt came to, by the prompts' ids.
package struct PromptOutcomes: Sendable {
  private var outcomes: [String: PromptOutcome] = [:]

  package init() {}

  package var count: Int { outcomes.count }
  /// In the order of the prompts' ids.
  package var all: [PromptOutcome] { outcomes.keys.sorted().compactMap { outcomes[$0] } }

  /// The ids of the prompts, in no order.
  package var prompts: some Collection<String> { outcomes.keys }

  /// What a prompt's samples came to; nil where it has none.
  package subscript(prompt: String) -> PromptOutcome? { outcomes[prompt] }

  package mutating func add(_ prompt: String, isSuccess: Bool) {
    outcomes[prompt, default: PromptOutcome(successes: 0, trials: 0)].trials += 1
    if isSuccess { outcomes[prompt]?.successes += 1 }
  }

  /// The prompts whose ids fulfil a condition.
  package func filter(_ isIncluded: (String) -> Bool) -> PromptOutcomes {
    var chosen = PromptOutcomes()
    chosen.outcomes = outcomes.filter { isIncluded($0.key) }
    return chosen
  }

  /// The prompts that two models were both asked, in the order of their ids.
  package func paired(
    with later: PromptOutcomes
  ) -> [(first: PromptOutcome, second: PromptOutcome)] {
    outcomes.keys.sorted().compactMap { prompt in
      outcomes[prompt].flatMap { first in
        later.outcomes[prompt].map { (first: first, second: $0) }
      }
    }
  }
}

extension PairedCounts {
  /// Counts prompts of one sample each.
  package init(_ pairs: [(first: PromptOutcome, second: PromptOutcome)]) {
    self.init()
    for pair in pairs {
      switch (pair.first.successes > 0, pair.second.successes > 0) {
      case (true, true): both += 1
      case (true, false): onlyFirst += 1
      case (false, true): onlySecond += 1
      case (false, false): neither += 1
      }
    }
  }
}
