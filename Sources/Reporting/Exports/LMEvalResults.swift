import Analysis
import Foundation
import ModelAccess
import Runs
import Scoring
import StudyDesign
import Support

/// One model's results as lm-evaluation-harness writes them: `results_DATE.json`, and `samples_TASK_DATE.jsonl` for
/// each task. A task is a set, a metric's filter is the judge.
struct LMEvalResults {
  let run: ExportedRun
  let model: String
  /// Of that model, a task each.
  let cells: [Cell]
  /// Of each cell, its set's first judge's first.
  let rows: [CellID: [SummaryRow]]

  private var plan: RunManifest.Plan { run.manifest.plan }
  private var date: String { run.stamp + ".000000" }

  /// Below the output's folder, as the harness names it.
  var folderName: String { ExportedRun.fileName(model).replacing(":", with: "__") }

  /// A task's name with what the harness puts into names of files.
  private func task(_ cell: Cell) -> String {
    run.task(cell).replacing(/[^\w-]+/.asciiOnlyWordCharacters(), with: "_")
  }

  func write(to folder: URL) throws {
    let place = folder.appending(path: folderName)
    for cell in cells {
      let lines = try samples(cell)
      try AtomicFile.write(to: place.appending(path: "samples_\(task(cell))_\(date).jsonl")) {
        for line in lines { try $0.write(line.serialized + "\n") }
      }
    }
    try AtomicFile.write(
      Data((results.indented() + "\n").utf8), to: place.appending(path: "results_\(date).json"))
  }

  /// What a row measures, by the name that the harness gives such numbers.
  private struct Metric {
    let name: String
    let rate: Double?
    let trials: Double?
    let isBetterHigh: Bool
  }

  private func metrics(_ row: SummaryRow) -> [Metric] {
    var metrics: [Metric] = []
    if row.utility != nil {
      metrics.append(
        Metric(
          name: "exact_match", rate: row.utility, trials: row.effectiveTrials, isBetterHigh: true))
    } else if plan.datasets[row.dataset]?.kind == .harmful {
      metrics.append(
        Metric(
          name: "asr", rate: row.attackSuccessRate, trials: row.effectiveTrials,
          isBetterHigh: false))
    } else {
      metrics.append(
        Metric(
          name: "over_refusal", rate: row.overRefusal, trials: row.overRefusalEffectiveTrials,
          isBetterHigh: false))
    }
    if row.utility == nil, let mean = row.meanScore {
      metrics.append(Metric(name: "mean_score", rate: mean, trials: nil, isBetterHigh: false))
    }
    return metrics.filter { $0.rate != nil }
  }

  private var results: JSONNode {
    func byTask(_ value: (Cell) -> JSONNode) -> JSONNode {
      .object(of: cells.map { (task($0), value($0)) })
    }
    let environment = run.manifest.environment
    return .object(of: [
      (
        "results",
        byTask { cell in
          var members: [(String, JSONNode)] = [("alias", .string(run.task(cell)))]
          for row in (rows[cell.id] ?? []) {
            for metric in metrics(row) {
              members.append(("\(metric.name),\(row.judge)", .decimal(metric.rate)))
              members.append(("\(metric.name)_stderr,\(row.judge)", standardError(metric)))
            }
          }
          return .object(of: members)
        }
      ),
      ("group_subtasks", .object(of: cells.map { (task($0), .array([])) })),
      (
        "configs",
        byTask { cell in
          .known([
            ("task", .string(task(cell))), ("dataset_name", .string(cell.dataset)),
            ("output_type", .string("generate_until")), ("num_fewshot", .integer(0)),
            ("repeats", .integer(plan.samples)), ("generation_kwargs", arguments),
            (
              "metadata",
              .known([
                ("cell", .string(cell.id.rawValue)),
                ("prompt_attack", .string(cell.promptAttack.text)),
                ("digest", .text(plan.datasets[cell.dataset]?.digest)),
              ])
            ),
          ])
        }
      ),
      ("versions", byTask { _ in .integer(0) }), ("n-shot", byTask { _ in .integer(0) }),
      (
        "higher_is_better",
        byTask { cell in
          let metrics = (rows[cell.id] ?? []).flatMap(metrics)
          var seen: Set<String> = []
          return .object(
            of: metrics.filter { seen.insert($0.name).inserted }
              .map { ($0.name, .boolean($0.isBetterHigh)) })
        }
      ),
      (
        "n-samples",
        byTask { cell in
          let asked = Set(run.outcomes(cell).map(\.id)).count
          return .object(of: [
            ("original", .integer(plan.datasets[cell.dataset]?.prompts)),
            ("effective", .integer(asked)),
          ])
        }
      ),
      (
        "config",
        .known([
          ("model", .string("loxeval")), ("model_args", modelArguments),
          ("batch_size", .integer(1)), ("gen_kwargs", arguments),
          ("random_seed", .integer(Int(exactly: plan.seed))),
        ])
      ),
      ("model_source", .string("loxeval")), ("model_name", .string(model)),
      ("model_name_sanitized", .string(folderName)),
      (
        "date",
        .decimal((try? Date(environment.createdAt, strategy: .iso8601))?.timeIntervalSince1970)
      ),
      ("loxeval_version", .string(environment.version)),
    ])
  }

  /// Of a share, at its effective size; the harness writes `N/A` where there is none.
  private func standardError(_ metric: Metric) -> JSONNode {
    guard let rate = metric.rate, let trials = metric.trials, trials > 1, (0...1).contains(rate)
    else { return .string("N/A") }
    return .decimal((rate * (1 - rate) / (trials - 1)).squareRoot())
  }

  private var arguments: JSONNode {
    .object(of: [
      ("temperature", .decimal(plan.decoding.temperature)),
      ("max_gen_toks", .integer(plan.decoding.maxTokens)),
      ("do_sample", .boolean(plan.decoding.temperature > 0)),
    ])
  }

  private var modelArguments: JSONNode {
    guard let cell = cells.first else { return .emptyObject }
    return .known([
      ("model", .string(model)), ("defence", .string(cell.treatment.method.rawValue)),
      ("parameters", .string(cell.treatment.parameters.text)),
      ("alpha", .decimal(cell.treatment.strength)), ("attack", .string(cell.attack.label)),
      ("attack_method", .string(cell.attack.method.rawValue)),
      ("attack_seed", .integer(cell.attack.seed.flatMap { Int(exactly: $0) })),
      ("attack_step", .integer(cell.attack.step)),
    ])
  }

  /// A line for each prompt and judge, as the harness has one for each document and filter.
  private func samples(_ cell: Cell) throws(RunError) -> [JSONNode] {
    let asked = try run.samples(cell)
    let prompts = Dictionary(grouping: asked, by: \.id)
    return Findings.distinct(asked.map(\.id)).enumerated().flatMap { place, id -> [JSONNode] in
      let samples = (prompts[id] ?? []).sorted { $0.sample < $1.sample }
      guard let first = samples.first else { return [] }
      return plan.judges(of: cell.dataset).map { judge in
        line(place, first, samples, judge, cell)
      }
    }
  }

  private func line(
    _ place: Int, _ first: Sample, _ samples: [Sample], _ judge: String, _ cell: Cell
  ) -> JSONNode {
    let replies = JSONNode.array(samples.map { .string($0.response) })
    let judgements = samples.map { $0.judgement(by: judge) }
    let row = (rows[cell.id] ?? []).first { $0.judge == judge }
    let metrics = row.map(metrics)?.map(\.name) ?? []
    let values = metrics.map { name -> (String, JSONNode) in
      let event: (Judgement) -> Double? = { judgement in
        guard judgement.verdict != .unscored else { return nil }
        return switch name {
        case "mean_score": judgement.score
        case "over_refusal": judgement.verdict == .refused ? 1 : 0
        default: judgement.verdict == .complied ? 1 : 0
        }
      }
      let known = judgements.compactMap(event)
      return (name, .decimal(known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)))
    }
    let document = JSONNode.known([
      ("id", .string(first.id)), ("category", .string(first.category)),
      ("prompt", .string(first.prompt)), ("reference", .text(first.reference)),
    ])
    func digest(_ text: String) -> JSONNode {
      .string(String(Digest.sha256(Data(text.utf8)).dropFirst("sha256:".count)))
    }
    return .object(
      of: [
        ("doc_id", .integer(place)), ("doc", document), ("target", .string(first.reference ?? "")),
        (
          "arguments",
          .object(of: [
            (
              "gen_args_0",
              .object(of: [("arg_0", .string(first.prompt)), ("arg_1", arguments)])
            )
          ])
        ),
        ("resps", .array([replies])), ("filtered_resps", replies), ("filter", .string(judge)),
        ("metrics", .array(metrics.map { .string($0) })), ("doc_hash", digest(document.serialized)),
        ("prompt_hash", digest(first.prompt)), ("target_hash", digest(first.reference ?? "")),
        ("verdicts", .array(judgements.map { .string($0.verdict.rawValue) })),
        ("errors", .array(samples.map { .text($0.failure?.description) })),
      ] + values)
  }
}
