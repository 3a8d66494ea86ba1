import CKernels
import LinearAlgebra

/// Which experts each row goes to: those of the largest p = softmax(router's outputs), each by its share,
/// p itself or p over the sum of the chosen ones'.
struct Routing {
  let expertCount: Int
  /// Experts of a row.
  let chosen: Int
  /// Whether a row's shares add up to 1.
  let normalizes: Bool

  /// A row at an expert.
  struct Place {
    let row: Int
    var share: Float
  }

  /// - Parameter probabilities: rows × experts, what the router gave; softmax of it is left there.
  /// - Returns: the rows of each expert, in order.
  func choose(_ probabilities: FloatBuffer, rows: Int) -> [[Place]] {
    var result = [[Place]](repeating: [], count: expertCount)
    for row in 0..<rows {
      let shares = unsafe probabilities.start + row * expertCount
      unsafe loxeval_softmax(shares, expertCount, expertCount, 1)
      var best: [Int] = []
      for expert in 0..<expertCount {
        // Of equal ones the first.
        let place = best.firstIndex { unsafe shares[$0] < shares[expert] } ?? best.count
        guard place < chosen else { continue }
        best.insert(expert, at: place)
        if best.count > chosen { best.removeLast() }
      }
      let sum = normalizes ? best.reduce(0) { unsafe $0 + shares[$1] } : 1
      for expert in best {
        unsafe result[expert].append(Place(row: row, share: shares[expert] / sum))
      }
    }
    return result
  }

  /// Replaces gradients with respect to the chosen shares by those with respect to the router's outputs.
  ///
  /// - Parameters:
  ///   - gradients: rows × experts; 0 where an expert was not chosen.
  ///   - probabilities: as `choose` left them.
  func backward(
    _ gradients: FloatBuffer, _ probabilities: FloatBuffer, _ choice: [[Place]], rows: Int
  ) {
    if normalizes {
      // share = p / s, s the sum of the chosen: dp = (dshare − Σ share · dshare) / s.
      var along = [Float](repeating: 0, count: rows)
      var sums = [Float](repeating: 0, count: rows)
      for (expert, places) in choice.enumerated() {
        for place in places {
          let index = place.row * expertCount + expert
          unsafe along[place.row] += place.share * gradients.start[index]
          unsafe sums[place.row] += probabilities.start[index]
        }
      }
      for (expert, places) in choice.enumerated() {
        for place in places {
          let index = place.row * expertCount + expert
          unsafe gradients.start[index] =
            (gradients.start[index] - along[place.row]) / sums[place.row]
        }
      }
    }
    for row in 0..<rows {
      let (shares, line) = unsafe (
        probabilities.start + row * expertCount, gradients.start + row * expertCount
      )
      let along = unsafe loxeval_dot(shares, line, expertCount)
      unsafe loxeval_softmax_backward(shares, line, expertCount, along, 1)
    }
  }
}
