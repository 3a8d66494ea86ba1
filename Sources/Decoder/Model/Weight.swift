import CKernels
import Checkpoints
import Foundation
import LinearAlgebra

/// A weight where it lies, in the mapped checkpoint or in a copy: outputs × inputs, row-major.
@safe struct Weight: @unchecked Sendable {
  // Unchecked: the bytes are only read; `DecoderModel` keeps a mapping alive, `copy` a copy.
  let name: String
  let bytes: UnsafeRawPointer
  let elementType: Int32
  let outputs: Int
  let inputs: Int
  var copy: FloatBuffer?

  var isNarrow: Bool { elementType == Int32(LOXEVAL_BFLOAT16) }

  var bytesPerRow: Int { inputs * (elementType == Int32(LOXEVAL_FLOAT32) ? 4 : 2) }
}

extension Weight {
  /// A copy in bfloat16, computed by the pool's threads.
  init(narrowing weight: Weight, _ pool: WorkerPool) {
    // Two numbers to a float.
    let copy = unsafe FloatBuffer(uninitializedCount: (weight.outputs * weight.inputs + 1) / 2)
    let start = unsafe UnsafeMutableRawPointer(copy.start).assumingMemoryBound(to: UInt16.self)
    pool.run(count: weight.outputs) { row, _ in
      unsafe loxeval_to_bfloat16(
        weight.bytes + row * weight.bytesPerRow, weight.elementType, weight.inputs,
        start + row * weight.inputs)
    }
    unsafe self.init(
      name: weight.name, bytes: UnsafeRawPointer(start), elementType: Int32(LOXEVAL_BFLOAT16),
      outputs: weight.outputs, inputs: weight.inputs, copy: copy)
  }
}

/// Finds a shape's tensors in a checkpoint and checks them.
struct WeightReader {
  let checkpoint: Checkpoint

  func weight(_ matrix: LinearShape) throws -> Weight {
    let name = matrix.weightName
    let dimensions = [matrix.outputs, matrix.inputs]
    let description = try describe(name, dimensions)
    let elementType: Int
    switch description.dtype.elementType {
    case .float32: elementType = Int(LOXEVAL_FLOAT32)
    case .float16: elementType = Int(LOXEVAL_FLOAT16)
    case .bfloat16: elementType = Int(LOXEVAL_BFLOAT16)
    case nil:
      throw DecoderError.unsupportedElementType(name: name, found: description.dtype.name)
    }
    let bytes = unsafe try checkpoint.unsafeBytes(of: name)
    guard let start = bytes.baseAddress else {
      throw DecoderError.unexpectedShape(name: name, expected: dimensions, found: [0])
    }
    return unsafe Weight(
      name: name, bytes: start, elementType: Int32(elementType), outputs: matrix.outputs,
      inputs: matrix.inputs)
  }

  /// nil where the layer has none.
  func bias(_ linear: LinearShape) throws -> [Float]? {
    switch linear.bias {
    case .none: nil
    case .ifStored:
      checkpoint.tensor(named: linear.biasName) == nil
        ? nil : try vector(linear.biasName, linear.outputs)
    }
  }

  func gain(_ norm: NormShape) throws -> [Float] { try vector(norm.tensor, norm.width) }

  private func vector(_ name: String, _ count: Int) throws -> [Float] {
    _ = try describe(name, [count])
    return try checkpoint.floats(named: name)
  }

  private func describe(_ name: String, _ dimensions: [Int]) throws -> TensorDescription {
    guard let description = checkpoint.tensor(named: name) else {
      throw DecoderError.missingTensor(
        name: name, expected: dimensions, folder: checkpoint.folder.path)
    }
    guard description.shape == dimensions else {
      throw DecoderError.unexpectedShape(
        name: name, expected: dimensions, found: description.shape)
    }
    return description
  }
}
