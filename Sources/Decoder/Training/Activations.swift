import LinearAlgebra

/// What the blocks of a training keep between its forward and its backward pass.
struct Activations {
  typealias Kept = Block<TrainableLinear>.Kept

  private let kept: [Kept]
  /// Each block's place in `kept`: its own, or with checkpointing one that all blocks of its layout share.
  private let places: [Int]
  /// Each block's input, rows × width, where the rest is computed again from it; else none.
  let inputs: [FloatBuffer]

  init(of blocks: [Block<TrainableLinear>], width: Int, rows: Int, isCheckpointed: Bool) {
    guard isCheckpointed else {
      kept = blocks.map { $0.makeKept(rows: rows) }
      places = Array(blocks.indices)
      inputs = []
      return
    }
    var kept: [Kept] = []
    var known: [[Int]: Int] = [:]
    places = blocks.map { block in
      let layout = block.linearLayers.flatMap { [$0.weight.outputs, $0.weight.inputs] }
      if let place = known[layout] { return place }
      known[layout] = kept.count
      kept.append(block.makeKept(rows: rows))
      return kept.count - 1
    }
    self.kept = kept
    inputs = blocks.map { _ in FloatBuffer(count: rows * width) }
  }

  subscript(_ block: Int) -> Kept { kept[places[block]] }
}
