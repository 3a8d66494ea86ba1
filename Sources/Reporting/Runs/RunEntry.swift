import Analysis
package import Foundation
package import Runs
import StudyDesign
import Support

/// A run in a line: what it is of, when it was begun, how far it is, what came out. From its files alone.
package struct RunEntry: Encodable, Sendable {
  /// The folder.
  package var run: String
  /// ISO 8601; nil where nobody can tell, as the rest.
  package var begun: String?
  /// The subcommand that began it.
  package var command: String?
  /// What was measured, in a few words.
  package var study: String?
  package var state: RunProgress.State?
  package var done: Int?
  /// At most, where it goes on until it is decided.
  package var planned: Int?
  package var errors: Int?
  /// What it has cost, in the currency of its prices; nil where nobody gave any.
  package var cost: Double?
  /// The conclusion in a few words; nil where there is none, or none of the samples that are there by now.
  package var verdict: String?
  /// Why it cannot be read; nil where it can.
  package var problem: String?

  package init(_ folder: URL) {
    let path = folder.relativePath
    run = path.hasPrefix("./") && path.count > 2 ? String(path.dropFirst(2)) : path
    do {
      let manifest = try RunManifest.read(from: folder)
      begun = manifest.environment.createdAt
      command = CommandTemplate.words(manifest.environment.command)?.dropFirst().first
      study = Self.study(of: manifest.plan)
      let progress = try RunProgress(of: folder)
      (done, planned, errors) = (progress.done, progress.planned, progress.errors)
      state = progress.state
      cost = progress.spending?.mostSpent
      let isConcluded = try conclude(manifest, in: folder)
      // One that goes on until it is decided may be done before all is asked that may be.
      if isConcluded, manifest.plan.sequential != nil, state == .stopped { state = .finished }
    } catch {
      problem = "\(error)"
    }
  }

  /// What its summary says, if that is of the samples that are there.
  ///
  /// - Returns: whether nothing is missing.
  private mutating func conclude(_ manifest: RunManifest, in folder: URL) throws -> Bool {
    let file = folder.appending(path: ReportFormat.json.fileName)
    guard let written = FileState(of: file.path)?.seconds,
      try Journal.files(of: manifest.division, in: folder).allSatisfy({ journal in
        (FileState(of: journal.url.path)?.seconds ?? 0) <= written
      })
    else { return false }
    let summary: Summary
    do {
      summary = try Summary(reading: try InputFile(file, .records).body)
    } catch {
      problem = "\(file.relativePath): cannot be read: \(error.plainReason)"
      return false
    }
    let sequential = manifest.plan.sequential
    let said =
      sequential.flatMap { Self.decision($0, summary, manifest) }
      ?? Findings(summary: summary).headline
    guard !said.isEmpty else { return summary.missing == 0 }
    verdict = summary.missing > 0 ? "so far: \(said)" : said
    return summary.missing == 0
  }

  /// What a run that goes on until it is decided came to; nil where that rests on a ledger.
  private static func decision(
    _ sequential: SequentialPlan, _ summary: Summary, _ manifest: RunManifest
  ) -> String? {
    guard sequential.ledger == nil else { return nil }
    let gate = Gate(limits: sequential.limits)
    return gate.check(GateSubject(summary: summary, manifest: manifest)).headline
  }

  /// `aligned: lox at 5 strengths × 2 attacks × 3 sets`
  private static func study(of plan: RunManifest.Plan) -> String {
    func counted(_ names: [String], _ what: String, most: Int = 1) -> String? {
      let distinct = Findings.distinct(names)
      guard !distinct.isEmpty else { return nil }
      return distinct.count > most ? "\(distinct.count) \(what)" : distinct.joined(separator: ", ")
    }
    let cells = plan.cells
    let treatments = Findings.distinct(cells.map(\.treatment).filter { !$0.isNone })
    var parts: [String?] = []
    switch plan.study {
    case .effectiveRank: parts.append("effective rank, \(treatments.count) ranks")
    case .landscape: parts.append("landscape, \(Set(cells.map(\.variant)).count) models")
    case nil:
      let methods = counted(treatments.map(\.method.rawValue), "defences", most: 3)
      parts.append(
        methods.map { $0 + (treatments.count > 1 ? " (\(treatments.count) models)" : "") })
      parts.append(
        counted(cells.map(\.attack).filter { !$0.isNone }.map(\.label), "attacks"))
    }
    parts.append(
      counted(
        cells.map(\.promptAttack).filter { !$0.isNone }.map(\.method.rawValue), "prompt attacks"))
    parts.append(counted(cells.map(\.dataset), "sets"))
    let model = counted(cells.map(\.model), "models") ?? "no model"
    return "\(model): \(parts.compactMap(\.self).joined(separator: " × "))"
  }
}

extension RunProgress {
  /// Of all its parts together.
  fileprivate var state: State {
    let states = Set(parts.map(\.state))
    if states.count == 1, let only = states.first { return only }
    return [State.asking, .preparing].first(where: states.contains) ?? .stopped
  }
}
