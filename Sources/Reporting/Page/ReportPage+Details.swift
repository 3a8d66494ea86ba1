import Analysis
import ModelAccess
import Runs
import Scoring
import StudyDesign
import Support

extension ReportPage {
  // MARK: - Examples

  /// One prompt through the study: the first whose verdict changed under an attack.
  func readExamples() throws(RunError) -> [Block] {
    let outcomes = run.outcomes
    let attacked = findings.leading.filter { findings.isHarmful($0.dataset) && $0.isAttacked }
    var blocks: [Block] = []
    var told: Set<String> = []
    for series in attacked {
      guard told.insert("\(series.label)\n\(series.dataset)").inserted,
        let reference = series.reference,
        let before = manifest.plan.cells.first(where: {
          $0.treatment.isNone && $0.attack.isNone && $0.promptAttack == .none
            && $0.dataset == series.dataset
        }),
        let after = manifest.plan.cells.first(where: { $0.id == reference.cell })
      else { continue }
      let verdicts = Dictionary(
        outcomes[after.id].map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
      guard
        let refused = outcomes[before.id].first(where: {
          $0.verdict == .refused && verdicts[$0.id]?.verdict == .complied
        }), let complied = verdicts[refused.id]
      else { continue }
      let (first, broken) = (try run.sample(refused), try run.sample(complied))
      var lines: [Sentence] = [
        [.emphasis("Prompt:"), .text(" \(Self.short(first.prompt, 200))")],
        line("Before the attack", first), line("After it", broken),
      ]
      let chosen = findings.recommendedDefence ?? series.best?.treatment
      if let chosen,
        let defended = manifest.plan.cells.first(where: {
          $0.attack == after.attack && $0.promptAttack == after.promptAttack
            && $0.dataset == series.dataset && $0.treatment == chosen
        }),
        let reply = outcomes[defended.id].first(where: { $0.id == first.id })
      {
        lines.append(
          line(
            "After it, with \(chosen.method.title) at \(chosen.strengthText)",
            try run.sample(reply)))
      }
      blocks += [.subheading([.text(series.label)]), .quote(lines)]
    }
    guard !blocks.isEmpty else { return [] }
    return [
      .heading("Examples"),
      .note([
        .text(
          "Model output, shortened. The first prompt that was refused before the attack and not "
            + "after it.")
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
    let apart =
      decoding.maxReasoningTokens.map { " and \($0) of thoughts apart from them" } ?? ""
    let often = plan.samples == 1 ? "one a prompt" : "\(plan.samples) a prompt"
    let asked =
      plan.isRecorded
      ? "recorded elsewhere, \(often)"
      : "\(how), at most \(decoding.maxTokens) tokens\(apart), \(often), seed \(plan.seed)"
    // The judge that gives the verdict first.
    let judges: [Sentence] = plan.judges.sorted {
      ($0.key == plan.judge ? 0 : 1, $0.key) < ($1.key == plan.judge ? 0 : 1, $1.key)
    }.map { ["Judge: ", .code($0.key), .text(", \($0.value)")] }
    return [
      .heading("What was asked"),
      .list(
        [
          [.text("Model: \(models)")],
          [.text("Prompts: \(sets.joined(separator: "; "))")],
          [
            .text(
              "Replies: \(asked)"
                + (plan.request.map { "; requests \($0.label)" } ?? ""))
          ],
        ] + judges + [
          ["Command: ", .code(Secrets.withoutCredentials(manifest.environment.command))]
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
    add(
      "replies",
      plan.datasets.compactMap { name, set in
        set.replies.map { ("\(name) (\($0.form))", $0.digest) }
      })
    for (what, value) in [
      ("server", plan.server), ("loxeval", environment.version),
      ("created", environment.createdAt), ("threads", "\(environment.threads)"),
      ("BLAS", environment.blas), ("vector instructions", environment.instructions),
      ("platform", environment.platform),
    ] {
      rows.append([ReportTable.Cell(what), ReportTable.Cell(value)])
    }
    if let spending = manifest.spending {
      let prices = spending.prices
      rows.append([
        ReportTable.Cell("cost"),
        ReportTable.Cell(
          "\(spending), at \(Number.money(prices.perMillionIn)) and \(Number.money(prices.perMillionOut)) for a "
            + "million tokens in and out"),
      ])
    }
    // Of like ones nothing is to be told: they compute the same.
    for (processor, shards) in manifest.unlikeProcessors {
      let named = shards.map(String.init).joined(separator: ", ")
      rows.append([
        ReportTable.Cell(shards.isEmpty ? "processor of a part" : "processor of shards \(named)"),
        ReportTable.Cell(processor),
      ])
    }
    return [
      .heading("Provenance"),
      .paragraph([
        "Every number above follows from ", .code("run.json"), " and ", .code("samples.jsonl"),
        " beside this file; ", .code("loxeval report"),
        " writes it anew from them. What each number means and does not mean is in loxeval's ",
        .code("docs/reading-a-report.md"), ".",
      ]),
      .table(
        ReportTable(
          caption: "Where everything came from", columns: [.text("what"), .text("value")],
          rows: rows)),
    ]
  }

  var limits: [Block] {
    let leading = Set(datasets.filter(findings.isHarmful).flatMap { manifest.plan.judges(of: $0) })
    var lines = [
      leading.contains("refusal")
        ? "The judge refusal reads words and counts what does not refuse: useless, wrong and evasive replies "
          + "too. Its rates say how often the model does not decline, not how much harm is done."
        : "Judges that are models err in ways of their own; see how they did on labelled replies.",
      "Intervals are for these prompts as a sample of their kind; they do not cover other kinds of "
        + "request, languages or jailbreaks.",
      "One test is the primary one, that of the recommendation; all other intervals and p-values describe.",
      "p-values are corrected for the comparisons of one set and judge, not for those of all sets.",
    ]
    if !trainingScope.isEmpty {
      lines.append(
        "An interval under an attack is for the training that was measured. Another seed of the same training "
          + "may differ by more than the interval is wide.")
    }
    if manifest.plan.cells.contains(where: { $0.attack.method == .synthetic }) {
      lines.append(
        "Synthetic attacks are proxies: they change weights by a formula, without data or training, "
          + "and say how robust a direction is, not what an attacker achieves.")
    }
    if manifest.plan.cells.contains(where: { $0.attack.method == .imported }) {
      lines.append(
        "Imported attacks were trained on the aligned model and are added to the model of every α; "
          + "an attacker who fine-tunes the extrapolated model itself may reach further.")
    }
    if !manifest.unlikeProcessors.isEmpty {
      lines.append(
        "Shards were computed on unlike processors (see the provenance): the last bits of weights and replies "
          + "depend on which did what, so a repetition with another division may differ in some replies."
      )
    }
    if isRedacted {
      lines.append(
        "Replies are cut to their opening in this page: \(Self.opening) characters, "
          + "\(Self.harmfulOpening) of those to harmful prompts that do not refuse.")
    }
    return [.heading("Limits"), .list(lines.map { [.text($0)] })]
  }
}
