import CKernels
import Foundation
import LinearAlgebra

/// Rotary position embedding: the pairs (i, i + d/2) of each head's leading d dimensions, turned by the
/// position times the pair's frequency.
///
/// One table of angles serves every block of equal settings; settings whose angles depend on the length of
/// the text have one for each kind of lengths in use. Owned by one thread between `extend` and the passes
/// that read it.
final class Rotary {
  let shape: RotaryShape
  private let isTrained: Bool
  /// By kind of texts; 0 is always there.
  private var tables: [Int: Table]

  private struct Table {
    /// Positions in it.
    var positions = 0
    // Each positions × (dimensions / 2).
    var cosines = FloatBuffer(count: 0)
    var sines = FloatBuffer(count: 0)
    /// Turn back; made where gradients are wanted.
    var negatedSines: FloatBuffer?
  }

  /// - Parameter isTrained: whether `backward` will be called.
  init(_ shape: RotaryShape, isTrained: Bool = false) {
    self.shape = shape
    self.isTrained = isTrained
    tables = [0: Table()]
  }

  /// Makes the table for texts of up to the trained length hold `0 ..< count`.
  func extend(to count: Int) { extend(kind: 0, to: count) }

  /// Makes the tables hold what texts of these lengths need, position by position up to their end.
  ///
  /// - Parameter lengths: of whole texts.
  func extend(forTextsOf lengths: [Int]) {
    guard shape.dependsOnLength else { return extend(to: lengths.max() ?? 0) }
    var needed: [Int: Int] = [0: 0]
    for length in lengths {
      let kind = shape.kind(ofLength: length)
      needed[kind] = max(needed[kind] ?? 0, length)
    }
    // Of kinds that are one length each there may be any number.
    tables = tables.filter { needed[$0.key] != nil }
    for (kind, count) in needed { extend(kind: kind, to: count) }
  }

  /// Angles are rounded to float32 before the cosine is taken, as the published models were run.
  private func extend(kind: Int, to count: Int) {
    var table = tables[kind] ?? Table()
    guard count > table.positions || tables[kind] == nil else { return }
    let positions = kind > 1 ? count : 2 * count
    let frequencies = shape.frequencies(kind: kind)
    let pairs = frequencies.count
    table.positions = positions
    table.cosines = FloatBuffer(count: positions * pairs)
    table.sines = FloatBuffer(count: positions * pairs)
    table.negatedSines = isTrained ? FloatBuffer(count: positions * pairs) : nil
    let amplitude = shape.amplitude
    for position in 0..<positions {
      for (index, frequency) in frequencies.enumerated() {
        let angle = Float(position) * frequency
        let place = position * pairs + index
        unsafe table.cosines.start[place] = cos(angle) * amplitude
        unsafe table.sines.start[place] = sin(angle) * amplitude
        if let negatedSines = table.negatedSines {
          unsafe negatedSines.start[place] = -table.sines.start[place]
        }
      }
    }
    tables[kind] = table
  }

  /// The angles as passes read them.
  struct Angles {
    fileprivate let cosines, sines: FloatBuffer
    fileprivate let dimensions: Int

    /// Those of one position, valid as long as these are.
    func at(_ position: Int) -> PlacedAngles {
      let offset = position * (dimensions / 2)
      return unsafe PlacedAngles(
        cosines: cosines.start + offset, sines: sines.start + offset, dimensions: dimensions)
    }
  }

  /// The angles of one position.
  @unsafe struct PlacedAngles {
    fileprivate let cosines, sines: UnsafeMutablePointer<Float>
    fileprivate let dimensions: Int

    /// Rotates the leading dimensions of some heads, which lie one behind the other.
    @inline(__always)
    func rotate(_ vectors: UnsafeMutablePointer<Float>, heads: Int, headDimension: Int) {
      for head in 0..<heads {
        unsafe loxeval_rotate(vectors + head * headDimension, cosines, sines, dimensions)
      }
    }
  }

  /// For texts of up to the trained length.
  var angles: Angles { angles(kind: 0, isBack: false) }

  /// For serving: what rotates a row's heads as it is placed in its cache.
  ///
  /// - Parameter length: of the row's text.
  func angles(ofLength length: Int) -> Angles {
    angles(kind: shape.kind(ofLength: length), isBack: false)
  }

  private func angles(kind: Int, isBack: Bool) -> Angles {
    guard let table = tables[kind] else {
      preconditionFailure("the rotary table was not extended for such texts")
    }
    var sines = table.sines
    if isBack {
      guard let negated = table.negatedSines else {
        preconditionFailure("the rotary table was made for serving")
      }
      sines = negated
    }
    return Angles(cosines: table.cosines, sines: sines, dimensions: shape.dimensions)
  }

  /// For training: rotates every head of every row by its position in its sequence.
  ///
  /// - Parameter vectors: rows × (heads · headDimension), changed in place.
  func forward(
    _ vectors: FloatBuffer, heads: Int, headDimension: Int, _ batch: PackedBatch,
    _ pool: WorkerPool
  ) {
    rotate(vectors, isBack: false, heads: heads, headDimension: headDimension, batch, pool)
  }

  /// Replaces the gradient with respect to the rotated vectors by that with respect to the vectors:
  /// a rotation's transpose is the rotation back.
  func backward(
    _ gradient: FloatBuffer, heads: Int, headDimension: Int, _ batch: PackedBatch,
    _ pool: WorkerPool
  ) {
    rotate(gradient, isBack: true, heads: heads, headDimension: headDimension, batch, pool)
  }

  private func rotate(
    _ vectors: FloatBuffer, isBack: Bool, heads: Int, headDimension: Int,
    _ batch: PackedBatch, _ pool: WorkerPool
  ) {
    let width = heads * headDimension
    for sequence in batch.sequences {
      let angles = angles(kind: shape.kind(ofLength: sequence.textLength), isBack: isBack)
      pool.run(count: sequence.count) { position, _ in
        unsafe angles.at(position).rotate(
          vectors.start + (sequence.start + position) * width, heads: heads,
          headDimension: headDimension)
      }
    }
  }
}

/// The rotary tables of a decoder, one for each different setting.
struct RotaryTables {
  private(set) var tables: [Rotary] = []

  /// - Parameter isTrained: whether `backward` will be called.
  init(_ shape: DecoderShape, isTrained: Bool = false) {
    for rotary in shape.blocks.compactMap(\.attention.rotary)
    where !tables.contains(where: { $0.shape == rotary }) {
      tables.append(Rotary(rotary, isTrained: isTrained))
    }
  }

  /// The table of a setting that one of the shape's blocks has; nil where that is none.
  func table(_ rotary: RotaryShape?) -> Rotary? { tables.first { $0.shape == rotary } }

  /// Whether the angles of any table depend on the length of the text.
  var dependOnLength: Bool { tables.contains(where: \.shape.dependsOnLength) }

  /// Makes every table hold positions `0 ..< count`, of texts of up to the trained length.
  func extend(to count: Int) {
    for table in tables { table.extend(to: count) }
  }

  /// Makes every table hold what texts of these lengths need.
  func extend(forTextsOf lengths: [Int]) {
    for table in tables { table.extend(forTextsOf: lengths) }
  }
}
