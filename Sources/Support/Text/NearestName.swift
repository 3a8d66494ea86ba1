/// What a misspelt name was probably meant to be.
package enum NearestName {
  /// The nearest of some names by insertions, deletions, exchanges and swaps of neighbours (Damerau, 1964, each
  /// place edited once); nil where none is near: more than a third of the letters, and more than two, would change.
  package static func of(_ text: String, among names: some Sequence<String>) -> String? {
    let most = max(2, text.count / 3)
    return names.map { (distance: distance($0, text), name: $0) }
      .filter { $0.distance <= most }
      .min { ($0.distance, $0.name) < ($1.distance, $1.name) }?.name
  }

  /// `; did you mean alpha?`; empty where nothing is near.
  package static func question(_ text: String, among names: some Sequence<String>) -> String {
    of(text, among: names).map { "; did you mean \($0)?" } ?? ""
  }

  private static func distance(_ first: String, _ second: String) -> Int {
    let (first, second) = (Array(first), Array(second))
    var before: [Int] = []
    var last = Array(0...second.count)
    for row in first.indices {
      var next = [row + 1]
      for column in second.indices {
        var least = min(
          last[column + 1] + 1, next[column] + 1,
          last[column] + (first[row] == second[column] ? 0 : 1))
        if row > 0, column > 0, first[row] == second[column - 1],
          first[row - 1] == second[column]
        {
          least = min(least, before[column - 1] + 1)
        }
        next.append(least)
      }
      (before, last) = (last, next)
    }
    return last[second.count]
  }
}
