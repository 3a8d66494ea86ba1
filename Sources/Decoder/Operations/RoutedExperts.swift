import CKernels
import LinearAlgebra

/// Some of many MLPs for each row: y = Σ share(e) · expert(e)(x) over the chosen experts.
///
/// The rows of each expert are gathered and go through it together. A row's experts are added in the order
/// of their numbers, so that its sum does not depend on the rows beside it.
///
/// - `Linear`: `ServedLinear` or `TrainableLinear`.
struct RoutedExperts<Linear> {
  let router: Linear
  let experts: [GatedMLP<Linear>]
  let routing: Routing
  /// Of the residual stream.
  let width: Int

  init(_ shape: RoutedExpertsShape, linear: (LinearShape) -> Linear) {
    router = linear(shape.router)
    experts = shape.experts.map { GatedMLP($0, linear: linear) }
    routing = Routing(
      expertCount: shape.experts.count, chosen: shape.chosen, normalizes: shape.normalizesShares)
    width = shape.router.inputs
  }

  /// In the order of a forward pass.
  var linearLayers: [Linear] { [router] + experts.flatMap(\.linearLayers) }

  /// Copies the rows of places, one behind the other.
  private func gather(_ x: FloatBuffer, _ places: [Routing.Place], into rows: FloatBuffer) {
    for (index, place) in places.enumerated() {
      unsafe (rows.start + index * width).update(from: x.start + place.row * width, count: width)
    }
  }
}

extension RoutedExperts<ServedLinear> {
  /// The largest ranks of updates of layers that are computed together.
  var rank: Int { max(router.rank, experts.map(\.rank).max() ?? 0) }

  /// For serving.
  ///
  /// - Parameters:
  ///   - x: rows × hidden.
  ///   - target: rows × hidden.
  func serve(_ x: FloatBuffer, addingTo target: FloatBuffer, _ step: ServingStep) {
    let probabilities = step.scratch.buffer(.routing, width: experts.count)
    ServedLinear.serve(x, step.rows, [(router, probabilities)], step.workspace)
    let inputs = step.scratch.buffer(.expertInput, width: width)
    let outputs = step.scratch.buffer(.expertOutput, width: width)
    let choice = routing.choose(probabilities, rows: step.rows.count)
    for (expert, places) in zip(experts, choice) where !places.isEmpty {
      gather(x, places, into: inputs)
      expert.serve(
        inputs, places.map { step.rows[$0.row] }, into: outputs, accumulates: false, step)
      for (index, place) in places.enumerated() {
        unsafe loxeval_add_scaled(
          outputs.start + index * width, place.share, width, target.start + place.row * width)
      }
    }
  }
}

extension RoutedExperts<TrainableLinear> {
  /// What the backward pass needs.
  final class Kept {
    /// softmax(router(x)), rows × experts.
    let probabilities: FloatBuffer
    /// Rows · chosen × width, expert by expert.
    let gates, ups: FloatBuffer
    var choice: [[Routing.Place]] = []

    init(probabilities: FloatBuffer, gates: FloatBuffer, ups: FloatBuffer) {
      self.probabilities = probabilities
      self.gates = gates
      self.ups = ups
    }
  }

  func makeKept(rows: Int) -> Kept {
    let inner = rows * routing.chosen * (experts.first?.gating.width ?? 0)
    return Kept(
      probabilities: FloatBuffer(count: rows * experts.count), gates: FloatBuffer(count: inner),
      ups: FloatBuffer(count: inner))
  }

  /// Calls `body` for each expert that any row goes to, with its part of what is kept.
  private func forEachExpert(
    _ kept: Kept,
    _ body: (
      _ number: Int, _ expert: GatedMLP<TrainableLinear>, _ places: [Routing.Place],
      _ part: GatedMLP<TrainableLinear>.Kept
    ) -> Void
  ) {
    var begin = 0
    for (number, (expert, places)) in zip(experts, kept.choice).enumerated() where !places.isEmpty {
      let range = begin..<begin + places.count * expert.gating.width
      begin = range.upperBound
      body(
        number, expert, places,
        GatedMLP.Kept(
          gates: FloatBuffer(part: range, of: kept.gates),
          ups: FloatBuffer(part: range, of: kept.ups)))
    }
  }

  /// For training.
  func forward(
    _ x: FloatBuffer, addingTo target: FloatBuffer, _ kept: Kept, _ step: TrainingStep
  ) {
    let rows = step.batch.rows
    router.forward(x, rows: rows, into: kept.probabilities, step.workspace)
    kept.choice = routing.choose(kept.probabilities, rows: rows)
    let inputs = step.scratch.buffer(.expertInput, width: width)
    let outputs = step.scratch.buffer(.expertOutput, width: width)
    forEachExpert(kept) { _, expert, places, part in
      gather(x, places, into: inputs)
      expert.forward(
        inputs, rows: places.count, into: outputs, accumulates: false, part, step)
      for (index, place) in places.enumerated() {
        unsafe loxeval_add_scaled(
          outputs.start + index * width, place.share, width, target.start + place.row * width)
      }
    }
  }

  /// - Parameters:
  ///   - gradient: rows × hidden, with respect to what was added to the stream.
  ///   - dx: rows × hidden, overwritten.
  func backward(
    _ gradient: FloatBuffer, x: FloatBuffer, into dx: FloatBuffer, _ kept: Kept,
    _ step: TrainingStep
  ) {
    let rows = step.batch.rows
    let inputs = step.scratch.buffer(.expertInput, width: width)
    let gradients = step.scratch.buffer(.expertGradient, width: width)
    let inputGradients = step.scratch.buffer(.expertInputGradient, width: width)
    // With respect to the shares, and then to what the router gave.
    let routed = step.scratch.buffer(.routingGradient, width: experts.count)
    unsafe routed.start.update(repeating: 0, count: rows * experts.count)
    unsafe dx.start.update(repeating: 0, count: rows * width)
    forEachExpert(kept) { number, expert, places, part in
      gather(x, places, into: inputs)
      gather(gradient, places, into: gradients)
      let shareGradients = expert.backward(
        gradients, x: inputs, shares: places.map(\.share), into: inputGradients, part, step)
      for (index, place) in places.enumerated() {
        unsafe routed.start[place.row * experts.count + number] = shareGradients[index]
        unsafe loxeval_add_scaled(
          inputGradients.start + index * width, 1, width, dx.start + place.row * width)
      }
    }
    routing.backward(routed, kept.probabilities, kept.choice, rows: rows)
    router.backward(routed, x: x, rows: rows, into: dx, accumulates: true, step.workspace)
  }
}
