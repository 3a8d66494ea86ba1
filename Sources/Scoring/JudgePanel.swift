package import ModelAccess

/// The judges of a run: those that were asked for, and those that a set of prompts needs besides.
package struct JudgePanel: Sendable {
  /// In the order of `--judge`: the first that can judge a set gives its samples' verdict.
  package let judges: [any Judge]

  package init(_ judges: [any Judge]) { self.judges = judges }

  /// The judges of one set, the one that gives the verdict first.
  ///
  /// `refusal` is added where no other can tell a refusal (on benign prompts) or judge at all (on
  /// harmful ones): so over-refusal is measured whatever was asked for. `exact-match` is added
  /// where every prompt has a number as its reference: that is utility.
  ///
  /// - Parameter references: of the set's prompts, nil for those without.
  package func judges(of kind: PromptKind, references: [String?]) -> [any Judge] {
    let hasReferences = references.contains { $0 != nil }
    var chosen = judges.filter { $0.judges(kind, references: hasReferences) }
    func has(_ name: String) -> Bool { chosen.contains { $0.name == name } }
    if !chosen.contains(where: { kind == .harmful || $0.seesRefusals }) {
      chosen.append(RefusalJudge())
    }
    let exact = ExactMatchJudge()
    if kind == .benign, !has(exact.name), !references.isEmpty,
      references.allSatisfy({ ($0).map(ExactMatchJudge.isNumber) ?? false })
    {
      chosen.append(exact)
    }
    return chosen
  }

  /// The judges of the ladder's further rungs: whether a reply sets out to comply, and whether it gives
  /// something on the subject.
  ///
  /// They read words, as `refusal` does, in far less time than any reply takes to write, so that every
  /// reply to a harmful prompt is read by them. They are no judges of the set: whose verdict counts, what
  /// is compared and which rows there are is for `--judge` alone.
  package static let ladder: [any Judge] = [WillingJudge(), OnSubjectJudge()]

  /// Those of the ladder that are not among a set's judges anyway.
  package func ladder(of kind: PromptKind, beside judges: [any Judge]) -> [any Judge] {
    Self.ladder.filter { rung in
      rung.judges(kind, references: false) && !judges.contains { $0.name == rung.name }
    }
  }
}
