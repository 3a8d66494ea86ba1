import Support

extension LedgerBook {
  /// In what another book's claims differ from this one's, in words: evidence for those is none for
  /// these.
  ///
  /// - Parameter knowsUpdates: whether the attacks and defences of the run are made yet.
  package func differences(from kept: LedgerBook, knowsUpdates: Bool = true) -> [String] {
    var found: [String] = []
    func compare<Value: Equatable>(_ what: String, _ there: Value, _ here: Value) {
      if there != here { found.append("\(what) is \(there) there and \(here) here") }
    }
    for part in Set(subject.models.keys).union(kept.subject.models.keys).sorted() {
      compare(
        "the \(part == "model" ? "model" : "\(part) model")'s digest",
        kept.subject.models[part] ?? "none", subject.models[part] ?? "none")
    }
    compare("what answers", kept.subject.server ?? "not said", subject.server ?? "not said")
    compare(
      "the chat format", kept.subject.chatFormat ?? "the model's own",
      subject.chatFormat ?? "the model's own")
    compare(
      "temperature", Number.text(kept.subject.temperature), Number.text(subject.temperature))
    compare("top-p", Number.text(kept.subject.topP), Number.text(subject.topP))
    compare("max-tokens", kept.subject.maxTokens, subject.maxTokens)
    compare("samples a prompt", kept.subject.samples, subject.samples)
    compare("confidence", Number.text(kept.confidence), Number.text(confidence))
    for check in checks {
      let name = "--\(check.rule.rawValue) of \(check.cell) by \(check.judge)"
      let claim = LimitCheck(
        rule: check.rule, limit: check.limit, cell: check.cell, judge: check.judge)
      guard let other = kept.checks.first(where: { $0.isOf(claim) }) else {
        found.append("\(name) is no check of it")
        continue
      }
      compare(name, Number.text(other.limit), Number.text(check.limit))
      if knowsUpdates { compare("\(name): the updates", other.updates, check.updates) }
      compare("\(name): the prompts' digest", other.prompts, check.prompts)
      compare("\(name): the judge", other.configuration, check.configuration)
      compare(
        "\(name): the baseline", other.baseline ?? "none", check.baseline ?? "none")
    }
    for other in kept.checks {
      let claim = LimitCheck(
        rule: other.rule, limit: other.limit, cell: other.cell, judge: other.judge)
      if !checks.contains(where: { $0.isOf(claim) }) {
        found.append(
          "it also checks --\(other.rule.rawValue) of \(other.cell) by \(other.judge), which is no "
            + "check here")
      }
    }
    return found
  }
}
