import LinearAlgebra

/// What a batch's operations share as it goes through the blocks, forwards and backwards.
struct TrainingStep {
  let batch: PackedBatch
  let scratch: Scratch
  /// Of each thread, attention's.
  let scores: [FloatBuffer]
  /// A row of each thread, for the gradients of gains.
  let gainSums: FloatBuffer
  let workspace: TrainableLinear.Workspace

  var pool: WorkerPool { workspace.products.pool }

  /// Copies the batch's rows.
  func copy(_ source: FloatBuffer, into target: FloatBuffer, width: Int) {
    unsafe target.start.update(from: source.start, count: batch.rows * width)
  }
}
