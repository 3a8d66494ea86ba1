import CKernels
import Foundation

/// Float32 scratch or factor storage with a fixed address, freed with its owner: what kernels and
/// their threads work on. What needs no fixed address is a `Matrix`.
@safe package final class FloatBuffer: @unchecked Sendable {
  // Unchecked: holders either only read after filling it, or own it exclusively.
  package let start: UnsafeMutablePointer<Float>
  package let count: Int
  /// Whose storage this is a part of; nil where it is its own.
  private let owner: FloatBuffer?

  /// Zeros.
  package convenience init(count: Int) {
    unsafe self.init(uninitializedCount: count)
    unsafe start.initialize(repeating: 0, count: count)
  }

  /// Elements that have to be written before they are read.
  @unsafe package init(uninitializedCount count: Int) {
    self.count = count
    owner = nil
    unsafe start = FreedMemory.shared.allocate(Self.byteCount(of: count))
      .bindMemory(to: Float.self, capacity: max(1, count))
  }

  package convenience init(_ elements: [Float]) {
    unsafe self.init(uninitializedCount: elements.count)
    unsafe start.initialize(from: elements, count: elements.count)
  }

  /// A part of another buffer, which shares its storage.
  ///
  /// - Precondition: the part lies within it.
  package init(part range: Range<Int>, of owner: FloatBuffer) {
    precondition(range.lowerBound >= 0 && range.upperBound <= owner.count)
    count = range.count
    self.owner = owner
    unsafe start = owner.start + range.lowerBound
  }

  deinit { if owner == nil { unsafe FreedMemory.shared.release(start, Self.byteCount(of: count)) } }

  private static func byteCount(of count: Int) -> Int {
    max(1, count) * MemoryLayout<Float>.stride
  }

  /// Gives the memory of buffers that were freed back to the system: the C library keeps some of it for later ones.
  package static func releaseFreed() { loxeval_release_freed_memory() }

  /// Keeps the memory of large buffers that are freed during `work` for later ones of the same size; then gives
  /// all of it back to the system.
  package static func reusingFreed<Result>(_ work: () throws -> Result) rethrows -> Result {
    try FreedMemory.shared.reusing(work)
  }

  /// A copy of the elements as a matrix of so many rows.
  ///
  /// - Precondition: the number of elements is a multiple of `rows`.
  package func matrix(rows: Int) -> Matrix<Float> {
    unsafe Matrix<Float>(
      rows: rows, columns: rows == 0 ? 0 : count / rows,
      elements: Array(UnsafeBufferPointer(start: start, count: count)))
  }
}
