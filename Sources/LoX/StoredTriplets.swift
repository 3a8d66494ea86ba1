import Checkpoints
import Foundation
import LinearAlgebra
import Synchronization

/// How an entry of a store holds the triplets of a pair's tensors: of each `left`, `values` and `right`, filled up
/// with zeros to the most that it could have, and `norm`, ‖ΔW‖²_F.
struct StoredTripletsLayout {
  struct Shape {
    let rows: Int
    let columns: Int
    let count: Int
    /// Of vectors: those found by Lanczos steps are float32's numbers, others float64's.
    let vectors: DataType
  }

  static let metadata = ["format": "loxeval decomposition"]

  let shapes: [String: Shape]

  init(_ pair: AlignmentPair, count: Int, exact: Bool) throws(LoXError) {
    var shapes: [String: Shape] = [:]
    for name in pair.targetNames {
      let (rows, columns) = try pair.commonRows(of: name)
      let isTruncated =
        !exact && FloatMatrix.isWorthTruncating(rows: rows, columns: columns, count: count)
      shapes[name] = Shape(
        rows: rows, columns: columns, count: min(count, rows, columns),
        vectors: isTruncated ? .float32 : DataType.float64)
    }
    self.shapes = shapes
  }

  /// All that an entry holds.
  var tensors: [TensorDeclaration] {
    shapes.sorted { $0.key < $1.key }.flatMap { name, shape in
      [
        TensorDeclaration(
          name: "\(name) left", dtype: shape.vectors, shape: [shape.rows, shape.count]),
        TensorDeclaration(
          name: "\(name) right", dtype: shape.vectors, shape: [shape.count, shape.columns]),
        TensorDeclaration(name: "\(name) values", dtype: DataType.float64, shape: [shape.count]),
        TensorDeclaration(name: "\(name) norm", dtype: DataType.float64, shape: [1]),
      ]
    }
  }

  var byteCount: Int {
    shapes.values.reduce(0) {
      $0 + $1.count * ($1.rows + $1.columns) * $1.vectors.bitsPerElement / 8 + 8 * ($1.count + 1)
    }
  }
}

/// An entry of a store, open for reading.
final class StoredTriplets: Sendable {
  private let file: SafetensorsFile
  private let layout: StoredTripletsLayout

  /// - Returns: nil where there is no entry, or another thing has its name.
  init?(_ url: URL, _ layout: StoredTripletsLayout) {
    guard FileManager.default.fileExists(atPath: url.path), let file = try? SafetensorsFile(url),
      file.metadata == StoredTripletsLayout.metadata,
      file.tensors.map({ TensorDeclaration($0) }) == layout.tensors
    else { return nil }
    self.file = file
    self.layout = layout
    // The entry used last goes last.
    unsafe utimes(url.path, nil)
  }

  /// A tensor's triplets; nil where what stands there is no decomposition: a disk's fault must not pass for a result.
  /// The entry goes then.
  subscript(name: String) -> SingularValueDecomposition? {
    let found = triplets(name)
    if found == nil { try? FileManager.default.removeItem(at: file.url) }
    return found
  }

  private func triplets(_ name: String) -> SingularValueDecomposition? {
    guard let shape = layout.shapes[name], let left = numbers("\(name) left"),
      let right = numbers("\(name) right"), let values = numbers("\(name) values"),
      let norm = numbers("\(name) norm")?.first, norm.isFinite, norm >= 0
    else { return nil }
    let rank = values.prefix { $0 > 0 }.count
    let u = Matrix<Double>(rows: shape.rows, columns: shape.count, elements: left)
      .prefix(columns: rank)
    let v = Matrix<Double>(rows: shape.count, columns: shape.columns, elements: right)
      .prefix(rows: rank)
    let kept = Array(values.prefix(rank))
    guard zip(kept, kept.dropFirst()).allSatisfy({ $0 >= $1 }), kept.allSatisfy(\.isFinite),
      (0..<rank).allSatisfy({ index in
        let (a, b) = (
          (0..<u.rows).reduce(0) { $0 + u[$1, index] * u[$1, index] },
          v.row(index).reduce(0) { $0 + $1 * $1 }
        )
        return abs(a - 1) < Self.tolerance && abs(b - 1) < Self.tolerance
      })
    else { return nil }
    return SingularValueDecomposition(
      left: u, singularValues: kept, right: v, squaredFrobeniusNorm: norm)
  }

  /// By which the length of a vector in float32 may differ from 1.
  private static let tolerance = 1e-3

  private func numbers(_ name: String) -> [Double]? {
    guard let tensor = file.tensor(named: name) else { return nil }
    if tensor.dtype == .float32 { return (try? file.floats(of: tensor))?.map(Double.init) }
    let bytes = unsafe file.unsafeBytes(of: tensor)
    return (0..<tensor.elementCount).map {
      unsafe Double(
        bitPattern: UInt64(
          littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self)))
    }
  }
}

/// An entry of a store that is being written, by any number of threads. Whatever keeps it from being written ends that,
/// and nothing else.
final class KeptTriplets: Sendable {
  private let store: DecompositionStore
  private let layout: StoredTripletsLayout
  private let writer: SafetensorsWriter
  private let isGivenUp = Mutex(false)

  /// Entries larger than this share of the store are not kept.
  private static let mostOfStore = 4

  init?(_ store: DecompositionStore, _ url: URL, _ layout: StoredTripletsLayout) {
    guard layout.byteCount <= store.capacity / Self.mostOfStore,
      let writer = try? SafetensorsWriter(
        to: url, tensors: layout.tensors, metadata: StoredTripletsLayout.metadata,
        replaceExisting: true)
    else { return nil }
    self.store = store
    self.layout = layout
    self.writer = writer
  }

  func add(_ name: String, _ triplets: SingularValueDecomposition) {
    guard !isGivenUp.withLock(\.self) else { return }
    do {
      try write(name, triplets)
    } catch {
      isGivenUp.withLock { $0 = true }
    }
  }

  /// Gives the entry its name; tensors that were not added have no triplets.
  func finish() {
    guard !isGivenUp.withLock(\.self) else { return }
    do {
      let missing = writer.remaining.filter { $0.hasSuffix(" norm") }.map {
        $0.dropLast(" norm".count)
      }
      for name in missing { try write(String(name), .none) }
      try writer.finish()
      store.tidy()
    } catch {
      // Without it all is computed again.
    }
  }

  /// What the layout has no place for.
  private struct Unfit: Error {}

  private func write(_ name: String, _ triplets: SingularValueDecomposition?) throws {
    guard let shape = layout.shapes[name] else { throw Unfit() }
    var left = Matrix<Double>(rows: shape.rows, columns: shape.count)
    var right = [Double](repeating: 0, count: shape.count * shape.columns)
    var values = [Double](repeating: 0, count: shape.count)
    if let triplets {
      for row in 0..<shape.rows {
        for column in 0..<triplets.rank { left[row, column] = triplets.left[row, column] }
      }
      right.replaceSubrange(..<triplets.right.elements.count, with: triplets.right.elements)
      values.replaceSubrange(..<triplets.rank, with: triplets.singularValues)
    }
    for (side, numbers) in [("left", left.elements), ("right", right)] {
      guard shape.vectors == .float32 else {
        try write(numbers, "\(name) \(side)")
        continue
      }
      let rounded = numbers.map { Float($0) }
      // Where LAPACK had to help, vectors are float64's.
      guard zip(numbers, rounded).allSatisfy({ $0 == Double($1) }) else { throw Unfit() }
      try writer.write(rounded, of: "\(name) \(side)")
    }
    try write(values, "\(name) values")
    try write([triplets?.squaredFrobeniusNorm ?? 0], "\(name) norm")
  }

  private func write(_ numbers: [Double], _ name: String) throws {
    let bytes = numbers.map(\.bitPattern.littleEndian)
    try unsafe writer.write(bytes.span.bytes, of: name)
  }
}
