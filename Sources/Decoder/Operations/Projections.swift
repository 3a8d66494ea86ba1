import LinearAlgebra

/// Linear layers that read the same: one for each part of what they give, or one that gives all parts, one
/// behind the other.
///
/// - `Linear`: `ServedLinear` or `TrainableLinear`.
struct Projections<Linear> {
  let layers: [Linear]
  /// Outputs of each part.
  let widths: [Int]

  init(_ shape: ProjectionShape, linear: (LinearShape) -> Linear) {
    layers = shape.layers.map(linear)
    widths = shape.widths
  }

  private var isFused: Bool { layers.count < widths.count }
  private var total: Int { widths.reduce(0, +) }

  /// Calls `body` with each part's width, and where its rows begin in those of the whole.
  private func forEachPart(_ body: (_ part: Int, _ begin: Int, _ width: Int) -> Void) {
    var begin = 0
    for (part, width) in widths.enumerated() {
      body(part, begin, width)
      begin += width
    }
  }

  /// Copies the parts out of rows of the whole.
  private func split(_ whole: FloatBuffer, rows: Int, into parts: [FloatBuffer], _ pool: WorkerPool)
  {
    let total = total
    pool.run(count: rows) { row, _ in
      forEachPart { part, begin, width in
        unsafe (parts[part].start + row * width)
          .update(from: whole.start + row * total + begin, count: width)
      }
    }
  }
}

extension Projections<ServedLinear> {
  /// The ranks of the layers' updates together.
  var rank: Int { layers.reduce(0) { $0 + $1.rank } }

  /// For serving.
  ///
  /// - Parameters:
  ///   - x: rows × inputs.
  ///   - parts: each rows × its width, overwritten.
  ///   - combine: called for each range of outputs once all parts, then of equal width, have theirs.
  func serve(
    _ x: FloatBuffer, _ rows: [ForwardPass.Row], into parts: [FloatBuffer], _ step: ServingStep,
    combine: ((_ begin: Int, _ end: Int) -> Void)? = nil
  ) {
    guard isFused else {
      return ServedLinear.serve(
        x, rows, Array(zip(layers, parts)), step.workspace, combine: combine)
    }
    let whole = step.scratch.buffer(.fused, width: total)
    ServedLinear.serve(x, rows, [(layers[0], whole)], step.workspace)
    let pool = step.workspace.pool
    split(whole, rows: rows.count, into: parts, pool)
    guard let combine else { return }
    let (width, piece) = (widths[0], 1024)
    pool.run(count: (width + piece - 1) / piece) { index, _ in
      combine(index * piece, min(width, (index + 1) * piece))
    }
  }
}

extension Projections<TrainableLinear> {
  /// For training.
  ///
  /// - Parameters:
  ///   - x: rows × inputs.
  ///   - parts: each rows × its width, overwritten.
  func forward(_ x: FloatBuffer, rows: Int, into parts: [FloatBuffer], _ step: TrainingStep) {
    guard isFused else {
      for (layer, part) in zip(layers, parts) {
        layer.forward(x, rows: rows, into: part, step.workspace)
      }
      return
    }
    let whole = step.scratch.buffer(.fused, width: total)
    layers[0].forward(x, rows: rows, into: whole, step.workspace)
    split(whole, rows: rows, into: parts, step.pool)
  }

  /// - Parameters:
  ///   - x: rows × inputs.
  ///   - dx: rows × inputs, overwritten.
  ///   - gradient: of each part with respect to its outputs; called in order, and what it gives is used
  ///     before the next call.
  func backward(
    x: FloatBuffer, rows: Int, into dx: FloatBuffer, _ step: TrainingStep,
    gradient: (_ part: Int) -> FloatBuffer
  ) {
    guard isFused else {
      for (part, layer) in layers.enumerated() {
        layer.backward(
          gradient(part), x: x, rows: rows, into: dx, accumulates: part > 0, step.workspace)
      }
      return
    }
    let whole = step.scratch.buffer(.fused, width: total)
    let total = total
    forEachPart { part, begin, width in
      let gradient = gradient(part)
      for row in 0..<rows {
        unsafe (whole.start + row * total + begin)
          .update(from: gradient.start + row * width, count: width)
      }
    }
    layers[0].backward(whole, x: x, rows: rows, into: dx, step.workspace)
  }
}
