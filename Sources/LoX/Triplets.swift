import Checkpoints
import LinearAlgebra

/// The leading singular triplets of a pair's tensors, asked for one by one, by any thread: those that the pair's store
/// kept, or computed now and kept there.
final class Triplets: Sendable {
  private let pair: AlignmentPair
  private let rank: Rank
  private let exact: Bool
  private let stored: StoredTriplets?
  private let kept: KeptTriplets?

  /// - Parameters:
  ///   - exact: by full decompositions.
  ///   - asksForAll: whether all tensors that the alignment changed will be asked for; else nothing is kept.
  init(
    of pair: AlignmentPair, rank: Rank, exact: Bool = false, asksForAll: Bool = true
  ) throws(LoXError) {
    self.pair = pair
    self.rank = rank
    self.exact = exact
    guard let store = pair.decompositions, let count = rank.most,
      let entry = store.entry(for: pair, count: count, exact: exact)
    else {
      (stored, kept) = (nil, nil)
      return
    }
    let layout = try StoredTripletsLayout(pair, count: count, exact: exact)
    stored = StoredTriplets(entry, layout)
    kept = stored == nil && asksForAll ? KeptTriplets(store, entry, layout) : nil
  }

  /// Whether nothing of the base need be read.
  var areStored: Bool { stored != nil }

  /// Those of a tensor, as many as the rank keeps.
  ///
  /// - Parameter weights: the aligned model's, where somebody reads them again afterwards.
  func of(_ name: String, _ weights: WeightStream? = nil) throws -> SingularValueDecomposition {
    if let found = stored?[name] { return pair.cut(found, of: name, to: rank) }
    let computed = try pair.triplets(of: name, most: rank.most, exact: exact, weights)
    kept?.add(name, computed)
    return pair.cut(computed, of: name, to: rank)
  }

  /// Told when all were asked for, and the models' files are those that were opened.
  func keep() { kept?.finish() }
}
