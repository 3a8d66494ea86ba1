public import Checkpoints
import LinearAlgebra

/// What the singular values of one tensor's ΔW show.
public struct TensorSpectrum: Codable, Hashable, Sendable {
  public var name: String
  public var shape: [Int]
  /// ‖ΔW‖_F.
  public var frobeniusNorm: Double
  /// The leading ones, descending.
  public var singularValues: [Double]
  /// Σ_{i ≤ k} σᵢ² / ‖ΔW‖²_F.
  public var energy: Double
  /// ‖Proj_k(ΔW)‖_F / ‖ΔW‖_F, the square root of the energy.
  public var alignmentRatio: Double
  /// ‖Proj_k(ΔW + ΔW_ft)‖_F / ‖ΔW + ΔW_ft‖_F with the alignment's U_k; nil without a tuned model.
  public var fineTuningRatio: Double?

  enum CodingKeys: String, CodingKey {
    case name, shape
    case frobeniusNorm = "frobenius"
    case singularValues = "singular_values"
    case energy
    case alignmentRatio = "R_align"
    case fineTuningRatio = "R_ft"
  }
}

/// A fine-tuned model, by its weights or by an adapter on the aligned model.
public enum TunedModel: Sendable {
  case checkpoint(Checkpoint)
  case adapter(LowRankUpdate)
}

extension AlignmentPair {
  /// The spectrum of one tensor's ΔW.
  ///
  /// - Parameters:
  ///   - count: how many singular values to list; at least `rank` are computed.
  ///   - rank: k, for the energy and the ratios.
  public func spectrum(
    of name: String, rank: Int, count: Int, tuned: TunedModel? = nil
  ) throws -> TensorSpectrum {
    let difference = try difference(of: name)
    let svd: SingularValueDecomposition
    do {
      svd = try difference.leadingSingularTriplets(max(rank, count))
    } catch {
      throw LoXError.decomposition(name: name, reason: "\(error)")
    }
    let energy = svd.energy(rank: rank)
    return TensorSpectrum(
      name: name, shape: [difference.rows, difference.columns],
      frobeniusNorm: svd.squaredFrobeniusNorm.squareRoot(),
      singularValues: Array(svd.singularValues.prefix(count)), energy: energy,
      alignmentRatio: energy.squareRoot(),
      fineTuningRatio: try tuned.flatMap {
        try fineTuningRatio(name, difference, svd.truncated(to: rank), $0)
      })
  }

  private func fineTuningRatio(
    _ name: String, _ difference: DoubleMatrix, _ svd: SingularValueDecomposition,
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
      let old = try base.floats(named: name)
      total.elements = zip(new.elements, old).map { Double($0) - Double($1) }
    case .adapter(let update):
      if let factors = update.tensors[name] {
        let change = DoubleMatrix(factors.left).multiplied(by: DoubleMatrix(factors.right))
        for index in total.elements.indices { total.elements[index] += change.elements[index] }
      }
    }
    let norm = total.squaredFrobeniusNorm
    guard norm > 0 else { return nil }
    // ‖U_k U_kᵀ M‖_F = ‖U_kᵀ M‖_F, since U_k's columns are orthonormal.
    let projected = svd.left.multiplied(by: total, transposingSelf: true)
    return (projected.squaredFrobeniusNorm / norm).squareRoot()
  }
}
