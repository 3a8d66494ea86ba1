/// A part of a study that one process does.
package struct Shard: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// From 1 to `count`.
  package let index: Int
  package let count: Int

  /// Beyond it nobody's cluster has as many jobs.
  package static let most = 10_000

  package init(_ index: Int, of count: Int) {
    self.index = index
    self.count = count
  }

  /// Why a text is no shard.
  package enum Failure: Error, Hashable, CustomStringConvertible {
    case form(String)
    case outOfRange(index: Int, count: Int)

    package var description: String {
      switch self {
      case .form(let text):
        "expected a part and how many there are, such as 3/8, of 1 to \(Shard.most) parts; found \(text)"
      case .outOfRange(let index, let count):
        "expected a part from 1 to \(count), found \(index)"
      }
    }
  }

  /// `3/8`.
  package init(parsing text: String) throws(Failure) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(\.isNumber) }),
      let index = Int(parts[0]), let count = Int(parts[1]), (1...Self.most).contains(count)
    else { throw .form(text) }
    guard (1...count).contains(index) else { throw .outOfRange(index: index, count: count) }
    self.init(index, of: count)
  }

  package var description: String { "\(index)/\(count)" }

  package static func < (one: Shard, other: Shard) -> Bool {
    (one.count, one.index) < (other.count, other.index)
  }
}

/// Which shard of a study does which of its cells.
///
/// It stands in the run's manifest, so that a shard does the same whichever release starts it again, and
/// so that it is known what a shard that never began would do.
package struct Division: Codable, Hashable, Sendable {
  package let shards: Int
  /// The shard of each cell, from 1, in the plan's order.
  package let cells: [Int]

  package init(shards: Int, cells: [Int]) {
    self.shards = shards
    self.cells = cells
  }

  /// Why a study cannot be divided so.
  package enum Failure: Error, Hashable, CustomStringConvertible {
    case tooMany(shards: Int, units: Int)

    package var description: String {
      switch self {
      case .tooMany(let shards, let units):
        "expected at most as many shards as the study has models that can be done apart, \(units); found "
          + "\(shards)"
      }
    }
  }

  /// Divides a study by units that are not to be torn: the largest first, each to the shard that has least
  /// to do, which leaves no shard with more than 4/3 of what the best division would give it (Graham, 1969).
  ///
  /// The same units give the same division on every machine.
  ///
  /// - Parameters:
  ///   - units: of each cell, in the plan's order, which unit it belongs to, counted from 0 without gaps.
  ///   - work: of each unit, in any measure; not negative.
  ///   - shards: at least 1.
  package init(units: [Int], work: [Double], into shards: Int) throws(Failure) {
    guard shards <= work.count else { throw .tooMany(shards: shards, units: work.count) }
    var load = Array(repeating: 0.0, count: shards)
    var count = Array(repeating: 0, count: shards)
    var place = Array(repeating: 0, count: work.count)
    let largest = work.indices.sorted { (-work[$0], $0) < (-work[$1], $1) }
    for unit in largest {
      // Of equally busy shards the one with fewer units, so that none is left without any.
      let least =
        (0..<shards).min { (load[$0], count[$0], $0) < (load[$1], count[$1], $1) } ?? 0
      load[least] += work[unit]
      count[least] += 1
      place[unit] = least
    }
    self.init(shards: shards, cells: units.map { place[$0] + 1 })
  }

  /// The places of a shard's cells in the plan.
  package func places(of shard: Int) -> [Int] { cells.indices.filter { cells[$0] == shard } }

  /// Whether it is one of a plan with so many cells.
  package func isValid(cells count: Int) -> Bool {
    (1...Shard.most).contains(shards) && cells.count == count
      && cells.allSatisfy((1...shards).contains)
  }
}
