import LinearAlgebra

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

  /// - Parameter text: a positive whole number, `full`, `auto`, or `auto:SHARE` with a share above 0
  ///   and up to 1.
  package init(parsing text: String) throws(LoXError) {
    if text == "full" {
      self = .full
    } else if text == "auto" {
      self = .energy(share: Self.shareOfAuto)
    } else if text.hasPrefix("auto:"), let share = Double(text.dropFirst(5)), share > 0, share <= 1
    {
      self = .energy(share: share)
    } else if let count = Int(text), count > 0 {
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
  func kept(of svd: SingularValueDecomposition) -> Int {
    switch self {
    case .leading(let count): return min(count, svd.rank)
    case .full: return svd.rank
    case .energy(let share):
      let most = min(Self.mostOfAuto, svd.rank)
      return (0...most).first { svd.energy(rank: $0) >= share } ?? most
    }
  }
}
