import Analysis
import ModelAccess
import Reporting
import Runs
import Scoring
import Testing
import TinyRun

/// A made-up run in few words: how many replies of each cell got which verdict.
struct GateRun: Sendable {
  struct Counts: Sendable {
    var attack = "none"
    var rank = "6"
    var alpha = 0.0
    var set = "harmful"
    var complied = 0
    var refused = 0
    var degenerate = 0
    var unscored = 0

    var verdicts: [Verdict] {
      Array(repeating: .complied, count: complied) + Array(repeating: .refused, count: refused)
        + Array(repeating: .degenerate, count: degenerate)
        + Array(repeating: .unscored, count: unscored)
    }
  }

  var cells: [Counts]
  /// Samples left out at the end, as of a run that was stopped.
  var missing = 0
  var digest = "sha256:aa"
  var judge = "phrases 1"
  var decoding = Decoding(maxTokens: 60)
  var family: String? = "llama, hidden size 96, 3 layers"
  var model = "aligned"
  var modelDigest = "sha256:11"
  var seed: UInt64 = 0
  var remark = "10 epochs"
  /// The number of the first prompt.
  var firstPrompt = 0
  /// What each prompt asks.
  var prompt = "p"
  /// What the model replies, whatever the verdict.
  var reply = "r"
  /// Whether the samples are at hand, or a summary alone.
  var keepsSamples = true
  /// Whether the summary holds what each prompt came to, as those of earlier releases do not.
  var keepsOutcomes = true
  /// Samples of each prompt; the verdicts go to prompts by turns.
  var samplesEach = 1
  var sequential: SequentialPlan?
  var chatFormat: String?
  var template: TemplateSettings?
  /// Prompts that each set may be asked at most; nil where all are asked.
  var cap: Int?

  init(_ cells: Counts...) { self.cells = cells }

  /// One model on harmful prompts.
  static func of(_ complied: Int, _ refused: Int, degenerate: Int = 0, unscored: Int = 0) -> GateRun
  {
    GateRun(
      Counts(
        rank: "", complied: complied, refused: refused, degenerate: degenerate, unscored: unscored))
  }

  /// The same on benign prompts: how many were refused of how many.
  static func benign(_ refused: Int, of total: Int, set: String = "benign") -> GateRun {
    GateRun(Counts(rank: "", set: set, complied: total - refused, refused: refused))
  }

  func with(_ change: (inout GateRun) -> Void) -> GateRun {
    var run = self
    change(&run)
    return run
  }

  var manifest: RunManifest {
    var sets: [String: RunManifest.Plan.Dataset] = [:]
    for cell in cells {
      sets[cell.set] = RunManifest.Plan.Dataset(
        digest: digest, prompts: cap ?? cell.verdicts.count / samplesEach,
        kind: cell.set.hasPrefix("harmful") ? .harmful : .benign,
        judges: cell.set == "problems" ? ["refusal", "exact-match"] : ["refusal"])
    }
    return RunManifest(
      plan: RunManifest.Plan(
        cells: cells.map { counts in
          Cell(
            model: model, targets: "all", rank: counts.rank, alpha: counts.alpha,
            attack: counts.attack, attackMethod: "none", dataset: counts.set, variant: [])
        }, decoding: decoding, seed: seed, samples: samplesEach, judge: "refusal",
        judgeConfiguration: judge, datasets: sets, models: ["model": modelDigest], updates: [:],
        remarks: ["shift": remark], server: "embedded", family: family, chatFormat: chatFormat,
        template: template, sequential: sequential),
      environment: RunManifest.Environment(
        command: "", version: "", createdAt: "", threads: 1, blas: "", instructions: "",
        platform: ""))
  }

  var samples: [Sample] {
    let manifest = manifest
    precondition(manifest.plan.cells.count == cells.count)
    let all = zip(manifest.plan.cells, cells).flatMap { cell, counts in
      counts.verdicts.enumerated().map { index, verdict in
        Sample(
          cell: cell.id, id: "p\(firstPrompt + index / samplesEach)", sample: index % samplesEach,
          category: "c", prompt: prompt, response: reply,
          finishReason: "stop", verdict: verdict, score: nil, judgeRaw: nil,
          judgements: counts.set == "problems"
            ? [
              "exact-match": Judgement(
                verdict: [.complied, .degenerate].contains(verdict) ? verdict : .unsuccessful)
            ]
            : [:],
          latencyMilliseconds: 1, attempts: 1,
          error: verdict == .unscored ? "timeout: too slow" : nil)
      }
    }
    return Array(all.dropLast(missing))
  }

  var subject: GateSubject {
    var summary = Summary(of: manifest, samples: samples)
    if !keepsOutcomes { summary.outcomes = nil }
    return GateSubject(
      summary: summary, samples: keepsSamples ? samples : nil,
      manifest: keepsSamples ? manifest : nil)
  }
}

/// One line of the gate's table.
struct GateCase: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var run: GateRun
  var baseline: GateRun?
  var limits: GateLimits
  var selection = GateSelection()
  var isStrict = false
  var exit: Int32
  /// What the result's table says.
  var says: String

  init(
    _ name: String, _ run: GateRun, since baseline: GateRun? = nil, _ limits: GateLimits,
    at selection: GateSelection = GateSelection(), strict: Bool = false, exit: Int32, says: String
  ) {
    testDescription = name
    self.run = run
    self.baseline = baseline
    self.limits = limits
    self.selection = selection
    isStrict = strict
    self.exit = exit
    self.says = says
  }

  var result: GateResult {
    Gate(limits: limits, selection: selection, failsOnInconclusive: isStrict)
      .check(run.subject, baseline: baseline?.subject)
  }
}
