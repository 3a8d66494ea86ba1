/// One reply as several judges see it, and a person where one labelled it.
package struct ReplyOpinions: Hashable, Sendable {
  /// The prompt's id, or that of the labelled reply.
  package var id: String
  /// Of a run's reply.
  package var cell: String?
  package var sample: Int?
  package var category: String
  package var prompt: String
  package var response: String
  package var label: Verdict?
  /// The judges' names in order; `judgements` has what those say that judged.
  package var judges: [String]
  package var judgements: [String: Judgement]

  package init(
    id: String, cell: String? = nil, sample: Int? = nil, category: String, prompt: String,
    response: String, label: Verdict? = nil, judges: [String], judgements: [String: Judgement]
  ) {
    self.id = id
    self.cell = cell
    self.sample = sample
    self.category = category
    self.prompt = prompt
    self.response = response
    self.label = label
    self.judges = judges
    self.judgements = judgements
  }

  /// Whether two of those who could tell differ on whether the reply complied.
  package var differ: Bool {
    Self.differ(judges.compactMap { judgements[$0]?.verdict } + [label].compactMap { $0 })
  }

  /// Whether two verdicts that say something differ on whether the reply complied.
  package static func differ(_ verdicts: [Verdict]) -> Bool {
    Set(verdicts.filter { $0 != .unscored }.map { $0 == .complied }).count > 1
  }
}
