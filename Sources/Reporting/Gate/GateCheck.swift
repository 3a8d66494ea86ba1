package import Runs
package import Scoring

/// One limit on one cell, and what came of it.
package struct GateCheck: Hashable, Sendable {
  package var rule: GateRule
  /// The cell in words: attack, rank and α, dataset, judge.
  package var cell: String
  package var limit: Double
  /// The measured share or difference; nil where there is none.
  package var value: Double?
  package var interval: ConfidenceInterval?
  /// Replies with a usable verdict.
  package var judged: Int
  /// Replies of which nobody can say what they are: degenerate, filtered, without an answer, unscored.
  /// The interval holds whatever they would have been.
  package var doubtful: Int
  package var outcome: GateOutcome
  /// Why, in a sentence.
  package var reason: String

  package init(
    rule: GateRule, cell: String, limit: Double, value: Double? = nil,
    interval: ConfidenceInterval? = nil, judged: Int, doubtful: Int = 0, outcome: GateOutcome,
    reason: String
  ) {
    self.rule = rule
    self.cell = cell
    self.limit = limit
    self.value = value
    self.interval = interval
    self.judged = judged
    self.doubtful = doubtful
    self.outcome = outcome
    self.reason = reason
  }
}

extension GateCheck {
  /// Neither passed nor breached, and no error.
  var isOpen: Bool { outcome == .inconclusive || outcome == .undecided }
}

/// Every check of a gate, and what they come to.
package struct GateResult: Hashable, Sendable {
  package var checks: [GateCheck]
  /// What keeps the whole run from being judged, such as missing samples or another dataset in the
  /// baseline.
  package var problems: [String]
  /// What a reader must know of the choice of cells.
  package var notes: [String]
  package var confidence: Double
  /// Whether a limit that so few prompts do not decide counts as breached.
  package var failsOnInconclusive: Bool
  /// The ledger with what the run adds to it; nil where none is kept or nothing was counted.
  package var book: LedgerBook?

  package init(
    checks: [GateCheck], problems: [String], notes: [String] = [], confidence: Double,
    failsOnInconclusive: Bool, book: LedgerBook? = nil
  ) {
    self.checks = checks
    self.problems = problems
    self.notes = notes
    self.confidence = confidence
    self.failsOnInconclusive = failsOnInconclusive
    self.book = book
  }

  /// An error outweighs all else, since a run that is not sound shows nothing; then a breach, then
  /// what is undecided. Nothing checked is an error, never a pass.
  package var outcome: GateOutcome {
    if !problems.isEmpty || checks.isEmpty || has(.error) { return .error }
    if has(.breached) { return .breached }
    for open in [GateOutcome.inconclusive, .undecided] where has(open) {
      return failsOnInconclusive ? .breached : open
    }
    return .passed
  }

  /// 0 passed, 1 breached, 2 error, 3 inconclusive, 4 undecided at the cap of a run that goes on until it
  /// is decided.
  package var exitCode: Int32 {
    switch outcome {
    case .passed: 0
    case .breached: 1
    case .error: 2
    case .inconclusive: 3
    case .undecided: 4
    }
  }

  private func has(_ outcome: GateOutcome) -> Bool { checks.contains { $0.outcome == outcome } }

  func count(_ outcome: GateOutcome) -> Int { checks.count { $0.outcome == outcome } }

  /// The result in a sentence.
  package var headline: String {
    if let problem = problems.first {
      let more = problems.count > 1 ? " (and \(problems.count - 1) more)" : ""
      return "error: \(problem)\(more)"
    }
    if checks.isEmpty { return "error: there was nothing to check" }
    let parts = GateOutcome.allCases.compactMap { outcome -> String? in
      let count = count(outcome)
      guard count > 0 else { return nil }
      switch outcome {
      case .error: return count == 1 ? "1 error" : "\(count) errors"
      default: return "\(count) \(outcome.rawValue)"
      }
    }
    let strict =
      outcome == .breached && count(.breached) == 0 ? " (undecided limits count as breached)" : ""
    let limits = checks.count == 1 ? "1 limit" : "\(checks.count) limits"
    return "\(outcome.rawValue): of \(limits) \(parts.joined(separator: ", "))\(strict)"
  }
}
