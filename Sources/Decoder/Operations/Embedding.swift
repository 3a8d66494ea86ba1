import CKernels
import LinearAlgebra

/// The look-up of tokens: x = scale · row `token` of the table.
///
/// - `Table`: `ServedLinear` or `TrainableWeight`, vocabulary × width.
struct Embedding<Table> {
  let table: Table
  var scale: Float = 1
}

extension Embedding<ServedLinear> {
  /// For serving: each row's token, with the updates that the row uses.
  ///
  /// - Parameters:
  ///   - output: rows × width, overwritten.
  ///   - lowRank: scratch of as many floats as the largest update has ranks.
  func serve(_ rows: [ForwardPass.Row], into output: FloatBuffer, lowRank: FloatBuffer) {
    let weight = table.weight
    let width = weight.inputs
    for (index, row) in rows.enumerated() {
      let target = unsafe output.start + index * width
      unsafe loxeval_widen(
        weight.bytes + row.token * weight.bytesPerRow, weight.elementType, width, target)
      for factors in table.factors where row.scales[factors.update] != 0 {
        for rank in 0..<factors.rank {
          unsafe lowRank.start[rank] =
            row.scales[factors.update]
            * factors.left.element(
              output: row.token, rank: rank, outputs: weight.outputs, ranks: factors.rank)
        }
        unsafe loxeval_add_low_rank(
          lowRank.start, factors.rank, factors.right.start, width, 0, width, target)
      }
      unsafe rescale(target, width)
    }
  }
}

extension Embedding<TrainableWeight> {
  /// For training.
  ///
  /// - Parameter output: tokens × width, overwritten.
  func forward(_ tokens: [Int], into output: FloatBuffer) {
    let width = table.inputs
    for (row, token) in tokens.enumerated() {
      unsafe table.loadRow(token, into: output.start + row * width)
      unsafe rescale(output.start + row * width, width)
    }
  }

  /// Adds the gradient of each row to that of its token, where the table is trained.
  ///
  /// - Parameter gradient: tokens × width, with respect to the output.
  func backward(_ gradient: FloatBuffer, _ tokens: [Int]) {
    guard case .trained(let parameter) = table else { return }
    let width = table.inputs
    for (row, token) in tokens.enumerated() {
      unsafe loxeval_add_scaled(
        gradient.start + row * width, scale, width, parameter.gradient.start + token * width)
    }
  }
}

extension Embedding {
  private func rescale(_ row: UnsafeMutablePointer<Float>, _ width: Int) {
    guard scale != 1 else { return }
    for index in 0..<width { unsafe row[index] *= scale }
  }
}
