import ModelAccess

/// How the parts of a study are called apart.
package enum StudyLabels {
  /// One label for each thing, no two equal and none of the reserved: the shortest that does, else the
  /// longest with a number.
  ///
  /// - Parameter candidates: for each thing what it may be called, the shortest first.
  package static func unique(_ candidates: [[String]], reserved: Set<String> = []) -> [String] {
    var levels = candidates.map { _ in 0 }
    func label(_ index: Int) -> String { candidates[index][levels[index]] }
    while true {
      let counts = Dictionary(candidates.indices.map { (label($0), 1) }, uniquingKeysWith: +)
      let vague = candidates.indices.filter {
        (counts[label($0), default: 0] > 1 || reserved.contains(label($0)))
          && levels[$0] + 1 < candidates[$0].count
      }
      if vague.isEmpty { break }
      for index in vague { levels[index] += 1 }
    }
    // The same thing twice, or one that has no other label.
    var taken = reserved
    return candidates.indices.map { index in
      var text = label(index)
      var number = 2
      while !taken.insert(text).inserted {
        text = "\(label(index))~\(number)"
        number += 1
      }
      return text
    }
  }
}

/// Gives the updates of a study their names, no two equal.
struct UpdateNamer {
  private var taken: Set<UpdateName> = []

  /// A name like a label, with a number where another update has it.
  mutating func name(resembling label: String) -> UpdateName {
    let first = UpdateName(resembling: label)
    var name = first
    var number = 2
    while !taken.insert(name).inserted {
      name = UpdateName(resembling: "\(first)~\(number)")
      number += 1
    }
    return name
  }
}
