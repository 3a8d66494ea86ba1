import Analysis
import ModelAccess
import Runs

extension GateSubject {
  func isHarmful(_ row: SummaryRow) -> Bool { summary.datasets[row.dataset]?.kind != .benign }

  /// What keeps a run, or a baseline, from being judged at all.
  func problems(named name: String) -> [String] {
    if summary.rows.isEmpty || summary.rows.allSatisfy({ $0.n == 0 }) {
      return ["\(name) has no samples"]
    }
    if summary.missing > 0 {
      return [
        "\(name) is not finished: \(summary.missing) samples are missing; continue it with --resume"
      ]
    }
    return []
  }

  /// What keeps a run from being compared with a baseline.
  func problems(since baseline: GateSubject) -> [String] {
    let found = baseline.problems(named: "the baseline")
    guard found.isEmpty else { return found }
    guard let there = baseline.summary.basis, let here = summary.basis else {
      return ["the baseline does not say how it was made; write it anew with `loxeval report`"]
    }
    var fields = there.gaps.map { "it does not say \($0)" }
    fields += here.gaps.map { "the run does not say \($0)" }
    fields += here.differences(from: there)
    let (before, after) = (baseline.summary.datasets, summary.datasets)
    for (name, set) in after.sorted(by: { $0.key < $1.key }) {
      guard let other = before[name] else { continue }
      if other.digest != set.digest { fields.append("dataset \(name) is another (its digest)") }
      if set.digest.isEmpty { fields.append("dataset \(name) has no digest") }
      // A run that stops by itself is compared on the prompts that it asked.
      if other.prompts != set.prompts, manifest?.plan.sequential == nil {
        fields.append(
          "dataset \(name) has \(other.prompts) prompts there and \(set.prompts) here")
      }
    }
    let shared = Set(before.keys).intersection(after.keys)
    if !shared.contains(where: { after[$0]?.kind == .harmful }) {
      let names = { (sets: [String]) in sets.sorted().joined(separator: ", ") }
      fields.append(
        "dataset is \(names(Array(before.keys))) there and \(names(Array(after.keys))) here")
    }
    fields += otherPrompts(since: baseline)
    return fields.map { "the baseline cannot be compared: \($0)" }
  }

  /// Prompts of one id that ask other things, whatever the digests say.
  private func otherPrompts(since baseline: GateSubject) -> [String] {
    guard let before = baseline.prompts(), let after = prompts() else { return [] }
    let other = after.filter { key, prompt in before[key].map { $0 != prompt } ?? false }
      .keys.sorted { $0.lexicographicallyPrecedes($1) }
    guard let first = other.first else { return [] }
    let more = other.count > 1 ? ", and \(other.count - 1) more" : ""
    return ["prompt \(first.last ?? "") of \(first[0]) asks another thing there\(more)"]
  }
}
