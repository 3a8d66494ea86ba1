import Foundation
import Support

/// An attacker who tries several settings: every combination of a grid is a training of its own, and what
/// counts is the one that does most harm.
///
/// The file is that of a training (`AttackFile`) with `grid`, an object from settings to lists of their values,
/// and `trials`, how many combinations are drawn where the grid has more.
enum AttackSearch {
  static let trialRange = NumberRange(1...200)

  /// The trials, each told by its number; which of them is worst is found out when they are measured.
  static func trials(
    _ file: URL, seed: UInt64, bundled: (String) -> URL
  ) throws -> [TrainedAttack] {
    func refuse(_ reason: String) -> AttackError {
      .unreadableFile(path: file.path, reason: reason)
    }
    var settings = try AttackFile.object(of: file)
    let grid = settings.removeValue(forKey: "grid")
    let wanted = settings.removeValue(forKey: "trials")
    let given = settings.removeValue(forKey: "name")
    guard given == nil || given is String else { throw refuse("name: expected a text") }
    let name = try AttackFile.labels(given as? String, file)[0]
    guard let grid = grid as? [String: [Any]], !grid.isEmpty,
      grid.values.allSatisfy({ !$0.isEmpty })
    else {
      throw refuse(
        "expected grid, an object from settings to lists of values such as "
          + "{\"learning_rate\": [1e-4, 1e-3], \"rank\": [4, 16]}")
    }
    if let both = grid.keys.sorted().first(where: { settings[$0] != nil }) {
      throw refuse("\(both) stands in grid and beside it")
    }
    if let key = grid.keys.first(where: { ["name", "grid", "trials", "seed"].contains($0) }) {
      throw refuse("\(key) cannot be varied by grid; several seeds are tried with --attack-seeds")
    }
    let all = grid.values.reduce(1) { product, values in
      let (next, overflows) = product.multipliedReportingOverflow(by: values.count)
      return overflows ? .max : next
    }
    var most = min(all, trialRange.most)
    if let wanted {
      guard let number = wanted as? Int, trialRange.contains(number) else {
        throw refuse("trials: expected \(trialRange.phrase), found \(wanted)")
      }
      most = min(all, number)
    } else if all > trialRange.most {
      throw refuse(
        "the grid has \(all) combinations; name trials, \(trialRange.phrase), to draw some")
    }
    return try chosen(most, of: all, seed: seed).enumerated().map { index, combination in
      var trial = settings
      var rest = combination
      for (key, values) in grid.sorted(by: { $0.key < $1.key }) {
        trial[key] = values[rest % values.count]
        rest /= values.count
      }
      trial["name"] = "\(name)-trial\(index + 1)"
      return try AttackFile.training(trial, file, seed: seed, bundled: bundled).asTrial(of: name)
    }
  }

  /// All combinations in order, or so many of them drawn at random, each once.
  private static func chosen(_ count: Int, of all: Int, seed: UInt64) -> [Int] {
    guard count < all else { return Array(0..<all) }
    var generator = SplitMix64(seed: seed ^ Fingerprint.hash("search"))
    var drawn: Set<Int> = []
    while drawn.count < count { drawn.insert(Int(generator.next() % UInt64(all))) }
    return drawn.sorted()
  }
}

extension AttackSearch {
  static let kind = AttackKind(
    seriesOf: "search", form: ":FILE", summary: "JSON with a grid of settings", takesPath: true
  ) {
    try trials($0.path(), seed: $1.seed, bundled: $1.bundled)
  }
}
