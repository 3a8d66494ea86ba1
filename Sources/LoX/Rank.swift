package import LinearAlgebra
package import Support

/// How many singular directions are kept.
package enum Rank: Hashable, Sendable, CustomStringConvertible {
  case leading(Int)
  /// All: the whole of ΔW.
  case full
  /// For each tensor the least number whose directions hold this share of ‖ΔW‖²_F, and no more than
  /// `mostOfAuto`, the rank that adapters are padded to.
  case energy(share: Double)

  /// What vLLM accepts unless told otherwise (`max_lora_rank`).
  package static let mostOfAuto = 16
  /// Half of the energy: alignment updates are flat, and more would seldom be reached in 16.
  static let shareOfAuto = 0.5

  /// No matrix that anyone extrapolates has more directions.
  package static let range = NumberRange(1...65_536)
  /// Of `auto:SHARE`.
  package static let shareRange = NumberRange<Double>.above(0, upTo: 1)
  /// The most ranks of a study.
  package static let mostOfList = 100
  /// The published results' k.
  package static let standard = Rank.leading(6)

  /// Ranks separated by commas, each once, however it is written: 6 and 06 are the same.
  package static func list(parsing text: String) throws(LoXError) -> [Rank] {
    var ranks: [Rank] = []
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count <= mostOfList else { throw .tooManyRanks(parts.count) }
    for part in parts {
      let rank = try Rank(parsing: String(part))
      if !ranks.contains(rank) { ranks.append(rank) }
    }
    return ranks
  }

  /// - Parameter text: a number of `range`, `full`, `auto`, or `auto:SHARE` with a share of `shareRange`,
  ///   as 0.9 or 90%.
  package init(parsing text: String) throws(LoXError) {
    if text == "full" {
      self = .full
    } else if text == "auto" {
      self = .energy(share: Self.shareOfAuto)
    } else if text.hasPrefix("auto:"),
      let share = try? Share(parsing: text.dropFirst(5), in: Self.shareRange)
    {
      self = .energy(share: share.value)
    } else if let count = try? Self.range.read(text) {
      self = .leading(count)
    } else {
      throw .invalidRank(text)
    }
  }

  package var description: String {
    switch self {
    case .leading(let count): "\(count)"
    case .full: "full"
    case .energy(let share): share == Self.shareOfAuto ? "auto" : "auto:\(share)"
    }
  }

  /// The most directions of a tensor that can be asked for; nil where that is all of them.
  package var most: Int? {
    switch self {
    case .leading(let count): count
    case .full: nil
    case .energy: Self.mostOfAuto
    }
  }

  /// How many of a tensor's triplets are kept.
  package func kept(of svd: SingularValueDecomposition) -> Int {
    switch self {
    case .leading(let count): return min(count, svd.rank)
    case .full: return svd.rank
    case .energy(let share):
      let most = min(Self.mostOfAuto, svd.rank)
      return (0...most).first { svd.energy(rank: $0) >= share } ?? most
    }
  }
}
