import CKernels
import Foundation
import LinearAlgebra

/// Rotary position embedding: the pairs (i, i + d/2) of each head's leading d dimensions, turned by the
/// position times the pair's frequency.
///
/// One table of angles serves every block of equal settings. Owned by one thread between `extend`
/// and the passes that read it.
final class Rotary {
  let shape: RotaryShape
  private let frequencies: [Float]
  /// Positions in the tables.
  private var positions = 0
  // Each positions × (dimensions / 2).
  private var cosines = FloatBuffer(count: 0)
  private var sines = FloatBuffer(count: 0)
  /// Turn back; made where gradients are wanted.
  private var negatedSines: FloatBuffer?

  /// - Parameter isTrained: whether `backward` will be called.
  init(_ shape: RotaryShape, isTrained: Bool = false) {
    self.shape = shape
    frequencies = shape.frequencies
    negatedSines = isTrained ? FloatBuffer(count: 0) : nil
  }

  /// Makes the table hold `0 ..< count`.
  ///
  /// Angles are rounded to float32 before the cosine is taken, as the published models were run.
  func extend(to count: Int) {
    guard count > positions else { return }
    positions = 2 * count
    let pairs = frequencies.count
    cosines = FloatBuffer(count: positions * pairs)
    sines = FloatBuffer(count: positions * pairs)
    if negatedSines != nil { negatedSines = FloatBuffer(count: positions * pairs) }
    let amplitude = shape.amplitude
    for position in 0..<positions {
      for (index, frequency) in frequencies.enumerated() {
        let angle = Float(position) * frequency
        let place = position * pairs + index
        unsafe cosines.start[place] = cos(angle) * amplitude
        unsafe sines.start[place] = sin(angle) * amplitude
        if let negatedSines { unsafe negatedSines.start[place] = -sines.start[place] }
      }
    }
  }

  /// The angles as passes read them.
  struct Angles {
    fileprivate let cosines, sines: FloatBuffer
    fileprivate let dimensions: Int

    /// Rotates the leading dimensions of some heads of one position, which lie one behind the other.
    @inline(__always)
    func rotate(
      _ vectors: UnsafeMutablePointer<Float>, heads: Int, headDimension: Int, position: Int
    ) {
      let angles = position * (dimensions / 2)
      for head in 0..<heads {
        unsafe loxeval_rotate(
          vectors + head * headDimension, cosines.start + angles, sines.start + angles, dimensions)
      }
    }
  }

  /// For serving: what rotates a row's heads as it is placed in its cache.
  var angles: Angles { Angles(cosines: cosines, sines: sines, dimensions: shape.dimensions) }

  /// For training: rotates every head of every row by its position in its sequence.
  ///
  /// - Parameter vectors: rows × (heads · headDimension), changed in place.
  func forward(
    _ vectors: FloatBuffer, heads: Int, headDimension: Int, _ batch: PackedBatch,
    _ pool: WorkerPool
  ) {
    Self.rotate(vectors, by: angles, heads: heads, headDimension: headDimension, batch, pool)
  }

  /// Replaces the gradient with respect to the rotated vectors by that with respect to the vectors:
  /// a rotation's transpose is the rotation back.
  func backward(
    _ gradient: FloatBuffer, heads: Int, headDimension: Int, _ batch: PackedBatch,
    _ pool: WorkerPool
  ) {
    guard let negatedSines else { preconditionFailure("the rotary table was made for serving") }
    let back = Angles(cosines: cosines, sines: negatedSines, dimensions: shape.dimensions)
    Self.rotate(gradient, by: back, heads: heads, headDimension: headDimension, batch, pool)
  }

  private static func rotate(
    _ vectors: FloatBuffer, by angles: Angles, heads: Int, headDimension: Int,
    _ batch: PackedBatch, _ pool: WorkerPool
  ) {
    let width = heads * headDimension
    pool.run(count: batch.rows) { row, _ in
      unsafe angles.rotate(
        vectors.start + row * width, heads: heads, headDimension: headDimension,
        position: batch.positions[row])
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

  /// Makes every table hold positions `0 ..< count`.
  func extend(to count: Int) {
    for table in tables { table.extend(to: count) }
  }
}
