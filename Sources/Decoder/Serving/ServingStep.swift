import LinearAlgebra

/// What a batch's operations share as it goes through the blocks.
struct ServingStep {
  let rows: [ForwardPass.Row]
  /// No two rows belong to one sequence.
  let isOneRowEach: Bool
  /// The residual stream, rows × hidden.
  let stream: FloatBuffer
  let scratch: Scratch
  /// Of each thread, attention's.
  let scores: [FloatBuffer]
  let workspace: ServedLinear.Workspace
}
