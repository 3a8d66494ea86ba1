import CKernels

/// The keys and values of one sequence, for every block.
///
/// Keys lie dimension by position and values position by dimension, head by head: the order in
/// which attention reads them. A position's entries depend on the tokens up to it and the model
/// alone, so a common beginning can be copied from another sequence of the same model.
@safe final class KeyValueCache {
  /// Positions there is room for, a multiple of the kernels' group.
  let capacity: Int
  /// Where a block's heads begin, how many there are, and floats of one head's keys (or values).
  private struct Block {
    let start: Int
    let heads: Int
    let dimension: Int
    let headStride: Int
  }

  private let blocks: [Block]
  private let storage: UnsafeMutablePointer<Float>

  init(shape: DecoderShape, positions: Int) {
    let group = Int(LOXEVAL_POSITION_GROUP)
    let capacity = (positions + group - 1) / group * group
    self.capacity = capacity
    var count = 0
    blocks = shape.blocks.map(\.attention).map { attention in
      let headStride = capacity * attention.headDimension
      defer { count += attention.keyValueHeadCount * 2 * headStride }
      return Block(
        start: count, heads: attention.keyValueHeadCount, dimension: attention.headDimension,
        headStride: headStride)
    }
    // A window's keys are read in whole groups from wherever it begins.
    count += group
    unsafe storage = .allocate(capacity: count)
    unsafe storage.initialize(repeating: 0, count: count)
  }

  deinit { unsafe storage.deallocate() }

  /// Bytes that a cache of so many positions takes.
  static func byteCount(shape: DecoderShape, positions: Int) -> Int {
    shape.blocks.reduce(0) { $0 + $1.attention.keyWidth } * positions * 2 * MemoryLayout<Float>.size
  }

  /// headDimension × capacity.
  func keys(block: Int, head: Int) -> UnsafeMutablePointer<Float> {
    unsafe storage + blocks[block].start + head * 2 * blocks[block].headStride
  }

  /// capacity × headDimension.
  func values(block: Int, head: Int) -> UnsafeMutablePointer<Float> {
    unsafe storage + blocks[block].start + (head * 2 + 1) * blocks[block].headStride
  }

  /// Floats from one head's keys to the next one's, and from values to values.
  func headStride(block: Int) -> Int { 2 * blocks[block].headStride }

  /// Takes over the first `positions` entries of another sequence of the same model.
  func copyPrefix(of other: KeyValueCache, positions: Int) {
    precondition(positions <= capacity && positions <= other.capacity)
    for (index, block) in blocks.enumerated() {
      for head in 0..<block.heads {
        let (from, to) = unsafe (
          other.keys(block: index, head: head), keys(block: index, head: head)
        )
        for dimension in 0..<block.dimension {
          unsafe (to + dimension * capacity).update(
            from: from + dimension * other.capacity, count: positions)
        }
        unsafe values(block: index, head: head).update(
          from: other.values(block: index, head: head), count: positions * block.dimension)
      }
    }
  }
}
