import Checkpoints
import LinearAlgebra
import Synchronization

/// What the singular values of one tensor's ΔW show.
package struct TensorSpectrum: Codable, Hashable, Sendable {
  package var name: String
  package var shape: [Int]
  /// ‖ΔW‖_F.
  package var frobeniusNorm: Double
  /// The leading ones, descending.
  package var singularValues: [Double]
  /// Σ_{i ≤ k} σᵢ² / ‖ΔW‖²_F.
  package var energy: Double
  /// ‖Proj_k(ΔW)‖_F / ‖ΔW‖_F, the square root of the energy.
  package var alignmentRatio: Double
  /// ‖Proj_k(ΔW + ΔW_ft)‖_F / ‖ΔW + ΔW_ft‖_F with the alignment's U_k; nil without a tuned model.
  package var fineTuningRatio: Double?

  enum CodingKeys: String, CodingKey {
    case name, shape
    case frobeniusNorm = "frobenius"
    case singularValues = "singular_values"
    case energy
    case alignmentRatio = "R_align"
    case fineTuningRatio = "R_ft"
  }
}

/// The spectra of all tensors of one kind, such as `q_proj`, together.
package struct KindSpectrum: Hashable, Sendable {
  package var kind: String
  package var tensors: Int
  /// The root of the sum of ‖ΔW‖²_F.
  package var frobeniusNorm: Double
  /// The share of it in the tensors' top k directions.
  package var energy: Double

  /// Totals of each kind, the largest first.
  package static func totals(of spectra: [TensorSpectrum]) -> [KindSpectrum] {
    Dictionary(grouping: spectra) { spectrum in
      spectrum.name.split(separator: ".").last { $0 != "weight" }.map(String.init) ?? spectrum.name
    }.map { kind, members in
      let squares = members.reduce(0) { $0 + $1.frobeniusNorm * $1.frobeniusNorm }
      let kept = members.reduce(0) { $0 + $1.frobeniusNorm * $1.frobeniusNorm * $1.energy }
      return KindSpectrum(
        kind: kind, tensors: members.count, frobeniusNorm: squares.squareRoot(),
        energy: squares > 0 ? kept / squares : 0)
    }.sorted { ($1.frobeniusNorm, $0.kind) < ($0.frobeniusNorm, $1.kind) }
  }
}

extension AlignmentPair {
  /// The spectrum of every target, the largest ‖ΔW‖_F first.
  ///
  /// - Parameters:
  ///   - count: how many singular values to list; at least `rank` are computed.
  ///   - rank: k, for the energy and the ratios.
  ///   - threads: tensors that are computed on at a time, about.
  ///   - progress: called after each tensor with how many of how many are done, by one thread at a
  ///     time; what it throws ends the work.
  package func spectra(
    rank: Int, count: Int, tuned: TunedModel? = nil, threads: Int = WorkerPool.processorCount,
    progress: @escaping @Sendable (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws -> [TensorSpectrum] {
    let found = FoundSpectra()
    let total = targetNames.count
    let triplets = try Triplets(of: self, rank: .leading(max(rank, count)))
    let queue = TensorQueue(
      names: targetNames, memory: 1 << 30,
      readAhead: triplets.areStored && tuned == nil ? nil : adviseWillNeed
    ) { name in
      // R_ft is computed from float64 copies of three models' weights.
      self.workingSet(of: name) * (tuned == nil ? 1 : 6)
    }
    try queue.run(threads: TensorQueue.threads(computing: threads, on: aligned)) { name in
      let spectrum = try spectrum(
        of: name, try triplets.of(name), rank: rank, count: count, tuned: tuned)
      adviseDontNeed(name)
      try found.spectra.withLock { spectra in
        spectra.append(spectrum)
        try progress(spectra.count, total)
      }
    }
    try requireUnchanged()
    triplets.keep()
    if case .checkpoint(let checkpoint) = tuned { try checkpoint.requireUnchanged() }
    return found.spectra.withLock { $0 }
      .sorted { ($1.frobeniusNorm, $0.name) < ($0.frobeniusNorm, $1.name) }
  }

  private final class FoundSpectra: Sendable {
    let spectra = Mutex<[TensorSpectrum]>([])
  }

  /// The spectrum of one tensor's ΔW.
  ///
  /// - Parameters:
  ///   - count: how many singular values to list; at least `rank` are computed.
  ///   - rank: k, for the energy and the ratios.
  package func spectrum(
    of name: String, rank: Int, count: Int, tuned: TunedModel? = nil
  ) throws -> TensorSpectrum {
    try spectrum(
      of: name, decompose(name, rank: .leading(max(rank, count))), rank: rank, count: count,
      tuned: tuned)
  }

  private func spectrum(
    of name: String, _ svd: SingularValueDecomposition, rank: Int, count: Int, tuned: TunedModel?
  ) throws -> TensorSpectrum {
    let shape = try commonRows(of: name)
    let energy = svd.energy(rank: rank)
    return TensorSpectrum(
      name: name, shape: [shape.rows, shape.columns],
      frobeniusNorm: svd.squaredFrobeniusNorm.squareRoot(),
      singularValues: Array(svd.singularValues.prefix(count)), energy: energy,
      alignmentRatio: energy.squareRoot(),
      fineTuningRatio: try tuned.flatMap {
        try fineTuningRatio(name, difference(of: name), svd.truncated(to: rank), $0)
      })
  }

  private func fineTuningRatio(
    _ name: String, _ difference: Matrix<Double>, _ svd: SingularValueDecomposition,
    _ tuned: TunedModel
  ) throws -> Double? {
    var total = difference
    switch tuned {
    case .checkpoint(let checkpoint):
      let new = try checkpoint.matrix(named: name)
      guard [new.rows, new.columns] == [total.rows, total.columns] else {
        throw LoXError.shapeMismatch(
          name: name, base: [total.rows, total.columns], aligned: [new.rows, new.columns])
      }
      // The base's vocabulary may have more rows.
      let old = try base.floats(named: baseNames[name])[..<total.elements.count]
      total.elements = zip(new.elements, old).map { Double($0) - Double($1) }
    case .adapter(let update):
      let rows = 0..<total.rows
      var sums = total.elements.mutableSpan
      LowRankSum([ScaledLowRankUpdate(update, scale: 1)], of: name).add(rows: rows, to: &sums)
    }
    let norm = total.squaredFrobeniusNorm
    guard norm > 0 else { return nil }
    // ‖U_k U_kᵀ M‖_F = ‖U_kᵀ M‖_F, since U_k's columns are orthonormal.
    let projected = svd.left.prefix(rows: total.rows).multiplied(by: total, transposingSelf: true)
    return (projected.squaredFrobeniusNorm / norm).squareRoot()
  }
}
