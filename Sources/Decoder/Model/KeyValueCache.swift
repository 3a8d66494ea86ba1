import CKernels

/// The keys and values of one sequence, for every layer.
///
/// Keys lie dimension by position and values position by dimension, head by head: the order in
/// which attention reads them. A position's entries depend on the tokens up to it and the model
/// alone, so a common beginning can be copied from another sequence of the same model.
@safe final class KeyValueCache {
  /// Positions there is room for, a multiple of the kernels' group.
  let capacity: Int
  /// Floats of one head's keys (or values) in one layer.
  let headStride: Int
  private let headDimension: Int
  private let heads: Int
  private let layers: Int
  private let storage: UnsafeMutablePointer<Float>
  private let count: Int

  init(configuration: LlamaConfiguration, positions: Int) {
    let group = Int(LOXEVAL_POSITION_GROUP)
    capacity = (positions + group - 1) / group * group
    headDimension = configuration.headDimension
    heads = configuration.keyValueHeadCount
    layers = configuration.layerCount
    headStride = capacity * headDimension
    count = layers * heads * 2 * headStride
    unsafe storage = .allocate(capacity: count)
    unsafe storage.initialize(repeating: 0, count: count)
  }

  deinit { unsafe storage.deallocate() }

  /// Bytes that a cache of so many positions takes.
  static func byteCount(configuration: LlamaConfiguration, positions: Int) -> Int {
    positions * configuration.layerCount * configuration.keyValueHeadCount
      * configuration.headDimension * 2 * MemoryLayout<Float>.size
  }

  /// headDimension × capacity.
  func keys(layer: Int, head: Int) -> UnsafeMutablePointer<Float> {
    unsafe storage + (layer * heads + head) * 2 * headStride
  }

  /// capacity × headDimension.
  func values(layer: Int, head: Int) -> UnsafeMutablePointer<Float> {
    unsafe storage + ((layer * heads + head) * 2 + 1) * headStride
  }

  /// Takes over the first `positions` entries of another sequence of the same model.
  func copyPrefix(of other: KeyValueCache, positions: Int) {
    precondition(positions <= capacity && positions <= other.capacity)
    for layer in 0..<layers {
      for head in 0..<heads {
        let (from, to) = unsafe (
          other.keys(layer: layer, head: head), keys(layer: layer, head: head)
        )
        for dimension in 0..<headDimension {
          unsafe (to + dimension * capacity).update(
            from: from + dimension * other.capacity, count: positions)
        }
        unsafe values(layer: layer, head: head).update(
          from: other.values(layer: layer, head: head), count: positions * headDimension)
      }
    }
  }
}
