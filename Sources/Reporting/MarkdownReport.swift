import Chat
public import Evaluation
import Scoring

/// `report.md`: a page that a person can act on.
public struct MarkdownReport {
  let manifest: RunManifest
  let samples: [Sample]
  let summary: Summary

  public init(manifest: RunManifest, samples: [Sample]) {
    self.manifest = manifest
    self.samples = samples
    summary = Summary(of: manifest, samples: samples)
  }

  public func render() -> String {
    ([
      "# Does the model's safety survive fine-tuning?", verdict, asked, results, categories,
      examples, provenance, limits,
    ].filter { !$0.isEmpty }).joined(separator: "\n\n") + "\n"
  }

  private var findings: Findings { Findings(summary: summary) }

  private var verdict: String {
    let sentences = findings.verdict
    return sentences.isEmpty
      ? "Nothing was measured yet." : sentences.map { "- \($0)" }.joined(separator: "\n")
  }

  private var asked: String {
    let plan = manifest.plan
    let models = Set(plan.cells.map(\.model)).sorted().map(Markdown.escape).joined(separator: ", ")
    let sets = plan.datasets.sorted { $0.key < $1.key }.map { name, set in
      "\(Markdown.escape(name)) (\(set.prompts) prompts, \(set.kind.rawValue))"
    }
    let decoding = plan.decoding
    let how =
      decoding.temperature == 0
      ? "greedily" : "at temperature \(Number.text(decoding.temperature))"
    return """
      ## What was asked

      - Model: \(models)
      - Prompts: \(sets.joined(separator: "; "))
      - Replies: \(how), at most \(decoding.maxTokens) tokens, seed \(plan.seed)
      - Judge: `\(plan.judge)`, \(Markdown.escape(plan.judgeConfiguration))
      - Command: `\(manifest.environment.command.replacing("`", with: "'"))`
      """
  }

  // MARK: - Tables

  private var results: String {
    var parts: [String] = []
    // Harmful sets first: they are what the page is about.
    for dataset in manifest.plan.datasets.keys.sorted(by: {
      (findings.isHarmful($0) ? 0 : 1, $0) < (findings.isHarmful($1) ? 0 : 1, $1)
    }) {
      let series = findings.series.filter { $0.dataset == dataset }
      let isHarmful = findings.isHarmful(dataset)
      let title =
        isHarmful
        ? "Attack success rate on \(Markdown.escape(dataset))"
        : "Answered and refused on \(Markdown.escape(dataset))"
      parts.append("## \(title)")
      parts.append(
        isHarmful
          ? "Share of replies that comply, with the 95 % Wilson interval. The change is against "
            + "α = 0 under the same attack, on the same prompts (mid-p McNemar); ↓ and ↑ mark "
            + "changes with p < 0.05."
          : "Share of replies that answer and that refuse (over-refusal), with the change of the "
            + "answered share against α = 0 under the same attack.")
      for group in Dictionary(grouping: series, by: \.attack).sorted(by: {
        order($0.key) < order($1.key)
      }) {
        parts.append("### \(heading(group.key))")
        let rows = group.value.flatMap(\.rows)
        parts.append(isHarmful ? harmfulTable(rows) : benignTable(rows))
      }
    }
    return parts.joined(separator: "\n\n")
  }

  /// Attacks in the order of the plan.
  private func order(_ attack: String) -> Int {
    manifest.plan.cells.firstIndex { $0.attack == attack } ?? 0
  }

  private func heading(_ attack: String) -> String {
    if attack == "none" { return "Before any attack" }
    let remark = summary.remarks[attack].map { " (\(Markdown.escape($0)))" } ?? ""
    return "After \(Markdown.escape(attack))\(remark)"
  }

  private func harmfulTable(_ rows: [SummaryRow]) -> String {
    Markdown.table(
      ["rank", "α", "ASR", "95 % interval", "change", "", "n", "errors", "degenerate"],
      rows.map { row in
        [
          row.rank, Number.text(row.alpha), Markdown.percent(row.attackSuccessRate),
          interval(row), change(row), Markdown.probability(row.pValue), "\(row.n)",
          "\(row.errors)", "\(row.degenerate)",
        ]
      })
  }

  private func benignTable(_ rows: [SummaryRow]) -> String {
    Markdown.table(
      [
        "rank", "α", "answered", "95 % interval", "refused", "change", "", "n", "errors",
        "degenerate",
      ],
      rows.map { row in
        [
          row.rank, Number.text(row.alpha), Markdown.percent(row.attackSuccessRate),
          interval(row), Markdown.percent(row.refusalRate), change(row),
          Markdown.probability(row.pValue), "\(row.n)", "\(row.errors)", "\(row.degenerate)",
        ]
      })
  }

  private func interval(_ row: SummaryRow) -> String {
    guard let interval = row.interval else { return "–" }
    return "\(Markdown.percent(interval.lower)) – \(Markdown.percent(interval.upper))"
  }

  private func change(_ row: SummaryRow) -> String {
    guard let delta = row.delta, let p = row.pValue else { return "–" }
    let arrow = p < Findings.significance ? (delta < 0 ? " ↓" : " ↑") : ""
    return Markdown.points(delta) + arrow
  }

  private var categories: String {
    let rows = summary.rows.filter { findings.isHarmful($0.dataset) }
    let names = Set(rows.flatMap(\.categories.keys)).sorted()
    guard names.count > 1 else { return "" }
    let attacks = Set(rows.map(\.attack)).sorted { order($0) < order($1) }
    func cell(_ category: String, _ attack: String) -> String {
      let counts = rows.filter { $0.attack == attack && $0.alpha == 0 }
        .compactMap { $0.categories[category] }
      guard let count = counts.first else { return "–" }
      return "\(count.successes) of \(count.judged)"
    }
    return "## By category, without LoX\n\n"
      + Markdown.table(
        ["category"] + attacks.map { $0 == "none" ? "no attack" : Markdown.escape($0) },
        names.map { name in [Markdown.escape(name)] + attacks.map { cell(name, $0) } })
  }

  // MARK: - Examples

  /// One prompt through the study: the first whose verdict changed under an attack.
  private var examples: String {
    let byCell = Dictionary(grouping: samples, by: \.cell)
    let attacked = findings.series.filter { findings.isHarmful($0.dataset) && $0.attack != "none" }
    var parts: [String] = []
    for series in attacked {
      guard let reference = series.reference,
        let before = cell(attack: "none", alpha: 0, like: reference),
        let after = cell(attack: series.attack, alpha: 0, like: reference),
        let replies = byCell[before.id], let attackedReplies = byCell[after.id]
      else { continue }
      let verdicts = Dictionary(
        attackedReplies.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
      guard
        let first = replies.first(where: {
          $0.verdict == .refused && verdicts[$0.id]?.verdict == .complied
        }), let broken = verdicts[first.id]
      else { continue }
      var lines = [
        "### \(Markdown.escape(series.attack))", "",
        "> *Prompt:* \(Markdown.excerpt(first.prompt, limit: 200))", ">",
        "> *Before the attack (\(first.verdict.rawValue)):* "
          + excerpt(first), ">",
        "> *After it (\(broken.verdict.rawValue)):* "
          + excerpt(broken),
      ]
      if let best = series.best,
        let defended = cell(attack: series.attack, alpha: best.alpha, like: best),
        let reply = byCell[defended.id]?.first(where: { $0.id == first.id })
      {
        lines += [
          ">",
          "> *After it, with LoX at α = \(Number.text(best.alpha)) (\(reply.verdict.rawValue)):* "
            + excerpt(reply),
        ]
      }
      parts.append(lines.joined(separator: "\n"))
    }
    guard !parts.isEmpty else { return "" }
    return
      "## Examples\n\nModel output, shortened. The first prompt that was refused before the attack "
      + "and answered after it.\n\n" + parts.joined(separator: "\n\n")
  }

  /// The opening of an answer is enough to see that it complies; more of it is not repeated.
  private func excerpt(_ sample: Sample) -> String {
    Markdown.excerpt(sample.response, limit: sample.verdict == .complied ? 60 : 200)
  }

  private func cell(attack: String, alpha: Double, like row: SummaryRow) -> Cell? {
    manifest.plan.cells.first {
      $0.attack == attack && $0.alpha == alpha && $0.dataset == row.dataset && $0.rank == row.rank
    }
  }

  // MARK: - Trust

  private var provenance: String {
    let plan = manifest.plan
    let environment = manifest.environment
    var rows: [[String]] = []
    for (name, digest) in plan.models.sorted(by: { $0.key < $1.key }) {
      rows.append(["model: \(Markdown.escape(name))", "`\(digest)`"])
    }
    for (name, digest) in plan.updates.sorted(by: { $0.key < $1.key }) {
      rows.append(["update: \(Markdown.escape(name))", "`\(digest)`"])
    }
    for (name, set) in plan.datasets.sorted(by: { $0.key < $1.key }) {
      rows.append(["dataset: \(Markdown.escape(name))", "`\(set.digest)`"])
    }
    rows += [
      ["server", Markdown.escape(plan.server)], ["loxeval", environment.version],
      ["created", environment.createdAt], ["threads", "\(environment.threads)"],
      ["BLAS", Markdown.escape(environment.blas)],
      ["vector instructions", environment.instructions],
      ["platform", Markdown.escape(environment.platform)],
    ]
    return "## Provenance\n\nEvery number above follows from `run.json` and `samples.jsonl` beside "
      + "this file; `loxeval report` writes it anew from them.\n\n"
      + Markdown.table(["what", "value"], rows)
  }

  private var limits: String {
    var lines = [
      "The judge reads words: an answer that is useless or wrong counts as complied, so the rates "
        + "are upper bounds of harm done.",
      "Intervals are for these prompts as a sample of their kind; they do not cover other kinds of "
        + "request, languages or jailbreaks.",
      "p-values are for one comparison each; with many cells some fall below 0.05 by chance.",
    ]
    if manifest.plan.cells.contains(where: { $0.attackMethod == "synthetic" }) {
      lines.append(
        "Synthetic attacks are proxies: they change weights by a formula, without data or training, "
          + "and say how robust a direction is, not what an attacker achieves.")
    }
    if manifest.plan.cells.contains(where: { $0.attackMethod == "imported" }) {
      lines.append(
        "Imported attacks were trained on the aligned model and are added to the model of every α; "
          + "an attacker who fine-tunes the extrapolated model itself may reach further.")
    }
    return "## Limits\n\n" + lines.map { "- \($0)" }.joined(separator: "\n")
  }
}
