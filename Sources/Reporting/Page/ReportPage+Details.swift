import Chat
import Evaluation
import Scoring

extension ReportPage {
  var categories: [Block] {
    let rows = summary.rows.filter { findings.isHarmful($0.dataset) }
    let names = Set(rows.flatMap(\.categories.keys)).sorted()
    guard names.count > 1 else { return [] }
    let attacks = Set(rows.map(\.attack)).sorted { order($0) < order($1) }
    func cell(_ category: String, _ attack: String) -> ReportTable.Cell {
      let counts = rows.filter { $0.attack == attack && $0.alpha == 0 }
        .compactMap { $0.categories[category] }
      guard let count = counts.first else { return "–" }
      return "\(count.successes) of \(count.judged)"
    }
    return [
      .heading(findings.isSweep ? "By category, without LoX" : "By category"),
      .table(
        ReportTable(
          caption: "Replies that comply, by category of the prompt",
          columns: [.text("category")] + attacks.map { .number(Self.name($0)) },
          rows: names.map { name in
            [ReportTable.Cell(name)] + attacks.map { cell(name, $0) }
          })),
    ]
  }

  // MARK: - Examples

  /// One prompt through the study: the first whose verdict changed under an attack.
  var examples: [Block] {
    let byCell = Dictionary(grouping: samples, by: \.cell)
    let attacked = findings.series.filter { findings.isHarmful($0.dataset) && $0.attack != "none" }
    var blocks: [Block] = []
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
      var lines: [Sentence] = [
        [.emphasis("Prompt:"), .text(" \(Self.short(first.prompt, 200))")],
        line("Before the attack", first), line("After it", broken),
      ]
      if let best = series.best,
        let defended = cell(attack: series.attack, alpha: best.alpha, like: best),
        let reply = byCell[defended.id]?.first(where: { $0.id == first.id })
      {
        lines.append(line("After it, with LoX at α = \(Number.text(best.alpha))", reply))
      }
      blocks += [.subheading([.text(series.attack)]), .quote(lines)]
    }
    guard !blocks.isEmpty else { return [] }
    return [
      .heading("Examples"),
      .note([
        .text(
          "Model output, shortened. The first prompt that was refused before the attack and "
            + "answered after it.")
      ]),
    ] + blocks
  }

  private static func short(_ text: String, _ limit: Int) -> String {
    text.count <= limit ? text : String(text.prefix(limit)) + " …"
  }

  /// The opening of an answer is enough to see that it complies; more of it is not repeated.
  private func line(_ when: String, _ sample: Sample) -> Sentence {
    [
      .emphasis("\(when) (\(sample.verdict.rawValue)):"),
      .text(" \(shown(sample, limit: sample.verdict == .complied ? 60 : 200))"),
    ]
  }

  private func cell(attack: String, alpha: Double, like row: SummaryRow) -> Cell? {
    manifest.plan.cells.first {
      $0.attack == attack && $0.alpha == alpha && $0.dataset == row.dataset && $0.rank == row.rank
    }
  }

  // MARK: - Trust

  var asked: [Block] {
    let plan = manifest.plan
    let models = Set(plan.cells.map(\.model)).sorted().joined(separator: ", ")
    let sets = plan.datasets.sorted { $0.key < $1.key }.map { name, set in
      "\(name) (\(set.prompts) prompts, \(set.kind.rawValue))"
    }
    let decoding = plan.decoding
    let how =
      decoding.temperature == 0
      ? "greedily" : "at temperature \(Number.text(decoding.temperature))"
    return [
      .heading("What was asked"),
      .list([
        [.text("Model: \(models)")],
        [.text("Prompts: \(sets.joined(separator: "; "))")],
        [.text("Replies: \(how), at most \(decoding.maxTokens) tokens, seed \(plan.seed)")],
        ["Judge: ", .code(plan.judge), .text(", \(plan.judgeConfiguration)")],
        ["Command: ", .code(manifest.environment.command)],
      ]),
    ]
  }

  var provenance: [Block] {
    let plan = manifest.plan
    let environment = manifest.environment
    var rows: [[ReportTable.Cell]] = []
    func add(_ what: String, _ digests: [(String, String)]) {
      for (name, digest) in digests.sorted(by: { $0.0 < $1.0 }) {
        rows.append([ReportTable.Cell("\(what): \(name)"), ReportTable.Cell(code: digest)])
      }
    }
    add("model", plan.models.map { ($0.key, $0.value) })
    add("update", plan.updates.map { ($0.key, $0.value) })
    add("dataset", plan.datasets.map { ($0.key, $0.value.digest) })
    for (what, value) in [
      ("server", plan.server), ("loxeval", environment.version),
      ("created", environment.createdAt), ("threads", "\(environment.threads)"),
      ("BLAS", environment.blas), ("vector instructions", environment.instructions),
      ("platform", environment.platform),
    ] {
      rows.append([ReportTable.Cell(what), ReportTable.Cell(value)])
    }
    return [
      .heading("Provenance"),
      .paragraph([
        "Every number above follows from ", .code("run.json"), " and ", .code("samples.jsonl"),
        " beside this file; ", .code("loxeval report"), " writes it anew from them.",
      ]),
      .table(
        ReportTable(
          caption: "Where everything came from", columns: [.text("what"), .text("value")],
          rows: rows)),
    ]
  }

  var limits: [Block] {
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
    if isRedacted {
      lines.append("Replies are cut to their first \(Self.opening) characters in this page.")
    }
    return [.heading("Limits"), .list(lines.map { [.text($0)] })]
  }
}
