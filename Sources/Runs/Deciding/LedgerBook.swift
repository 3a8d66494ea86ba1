import Foundation
import ModelAccess
package import Scoring
package import StudyDesign
import Support

/// What the sequential tests of a gate have counted, across runs: a ledger for each check, and what they
/// are of.
///
/// It belongs to one model, asked and judged one way, under one list of limits: evidence about another
/// says nothing here, and a limit that may be chosen after looking is none.
package struct LedgerBook: Codable, Hashable, Sendable {
  package static let currentSchema = 1

  package var schema = Self.currentSchema
  /// SHA-256 of everything else, so that what was damaged or edited is not taken for evidence.
  package var digest = ""
  package var subject: Subject
  package var confidence: Double
  /// How often it was begun afresh for the same model and limits.
  package var restarts: Int
  package var checks: [Check]

  /// Who is asked, and how.
  package struct Subject: Codable, Hashable, Sendable {
    /// Digests of the weights, by their part in the study; empty for endpoints.
    package var models: [String: String]
    /// What answers, where no digest says it.
    package var server: String?
    package var chatFormat: String?
    package var temperature: Double
    package var topP: Double
    package var maxTokens: Int
    package var samples: Int

    enum CodingKeys: String, CodingKey {
      case models, server, temperature, samples
      case chatFormat = "chat_format"
      case topP = "top_p"
      case maxTokens = "max_tokens"
    }

    init(_ plan: RunManifest.Plan) {
      models = plan.models
      server =
        plan.models.isEmpty
        ? ([plan.server] + Set(plan.cells.map(\.model)).sorted()).joined(separator: ", ") : nil
      chatFormat = plan.chatFormat
      temperature = plan.decoding.temperature
      topP = plan.decoding.topP
      maxTokens = plan.decoding.maxTokens
      samples = plan.samples
    }
  }

  /// One limit on one cell, and every prompt that was counted for it.
  package struct Check: Codable, Hashable, Sendable {
    package var rule: GateRule
    package var limit: Double
    package var cell: CellID
    /// The updates on the weights with their scales, as digests.
    package var updates: [String]
    package var dataset: String
    /// Digest of the set.
    package var prompts: String
    package var judge: String
    package var configuration: String
    /// Of a change: digest of the outcomes that it is compared with.
    package var baseline: String?
    package var level: Double
    package var breachLevel: Double
    package var horizon: Int
    /// In the order in which they were counted.
    package var counted: [SequentialLedger.Entry]
    /// Which run counted how many of them, in that order.
    package var runs: [Share]

    package struct Share: Codable, Hashable, Sendable {
      package var run: String
      package var prompts: Int
    }

    enum CodingKeys: String, CodingKey {
      case rule, limit, cell, updates, dataset, prompts, judge, configuration, baseline, level
      case horizon, counted, runs
      case breachLevel = "breach_level"
    }

    /// The test with all that was counted.
    package var ledger: SequentialLedger {
      var ledger = SequentialLedger(
        rule.claim(limit), level: level, breachLevel: breachLevel, horizon: horizon)
      ledger.count(counted.map { ($0.prompt, $0.seen) })
      return ledger
    }

    func isOf(_ check: LimitCheck) -> Bool {
      rule == check.rule && cell == check.cell && judge == check.judge
    }
  }

  /// A book without evidence.
  ///
  /// - Parameter horizons: the prompts at which each check has its planned look; by default those of its
  ///   set.
  package init(
    _ plan: RunManifest.Plan, _ checks: [LimitCheck], confidence: Double, restarts: Int = 0,
    baseline: String? = nil
  ) {
    subject = Subject(plan)
    self.confidence = confidence
    self.restarts = restarts
    let levels = SequentialLevels(confidence: confidence, checks: checks.count)
    let cells = Dictionary(plan.cells.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    self.checks = checks.map { check in
      let cell = cells[check.cell]
      let dataset = cell?.dataset ?? ""
      return Check(
        rule: check.rule, limit: check.limit, cell: check.cell,
        updates: (cell?.variant ?? []).map { update in
          let digest = plan.updates[update.name.text] ?? update.name.text
          return "\(digest) × \(Number.text(update.scale))"
        }, dataset: dataset, prompts: plan.datasets[dataset]?.digest ?? "", judge: check.judge,
        configuration: plan.judges[check.judge] ?? "",
        baseline: check.rule == .maximumIncrease ? baseline : nil, level: levels.pass,
        breachLevel: levels.breach, horizon: max(1, plan.datasets[dataset]?.prompts ?? 1),
        counted: [], runs: [])
    }
  }

  package func ledger(of check: LimitCheck) -> SequentialLedger? {
    checks.first { $0.isOf(check) }?.ledger
  }

  /// Counts what a run showed for a check: the prompts that are new, in their order.
  package mutating func count(
    _ check: LimitCheck, _ seen: [(prompt: String, seen: SequentialTest.Observation)],
    of run: String
  ) {
    guard let place = checks.firstIndex(where: { $0.isOf(check) }) else { return }
    var ledger = checks[place].ledger
    let new = ledger.count(seen)
    guard new > 0 else { return }
    checks[place].counted = ledger.entries
    if let last = checks[place].runs.indices.last, checks[place].runs[last].run == run {
      checks[place].runs[last].prompts += new
    } else {
      checks[place].runs.append(Check.Share(run: run, prompts: new))
    }
  }

  /// The book as it was before a run counted anything.
  package func without(run: String) -> LedgerBook {
    var book = self
    for index in book.checks.indices {
      var (place, kept) = (0, [SequentialLedger.Entry]())
      for share in checks[index].runs {
        let entries = checks[index].counted.dropFirst(place).prefix(share.prompts)
        if share.run != run { kept += entries }
        place += share.prompts
      }
      book.checks[index].counted = kept
      book.checks[index].runs.removeAll { $0.run == run }
    }
    return book
  }

  package func holds(run: String) -> Bool {
    checks.contains { $0.runs.contains { $0.run == run } }
  }

  /// Names the evidence; `none` where there is none yet.
  package var evidence: String {
    let counted = checks.filter { !$0.counted.isEmpty }
    guard !counted.isEmpty, let data = try? StableJSON.encode(counted) else { return "none" }
    return Digest.sha256(data)
  }

  /// The prompts of a set that no undecided check of it can learn from any more; nil where every check
  /// of it is decided.
  package func exhausted(in dataset: String) -> Set<String>? {
    let open = checks.filter { $0.dataset == dataset && $0.ledger.test.decision == .undecided }
    guard let first = open.first else { return nil }
    return open.dropFirst().reduce(Set(first.counted.map(\.prompt))) {
      $0.intersection($1.counted.map(\.prompt))
    }
  }
}

extension RunManifest {
  /// Names the run, so that a ledger knows what it counted of it.
  package var ledgerName: String {
    var plan = plan
    plan.request = nil
    let data = (try? StableJSON.encode(plan)) ?? Data()
    return Digest.sha256(data + Data(environment.createdAt.utf8))
  }
}
