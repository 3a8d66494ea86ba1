import CKernels
import Foundation
import Support
import Testing

/// The kernels against plain loops in double precision.
@Suite struct KernelTests {
  static func random(_ count: Int, seed: UInt64) -> [Float] {
    var generator = SplitMix64(seed: seed)
    return (0..<count).map { _ in Float(generator.nextUnit() * 2 - 1) }
  }

  static func bfloat16(_ values: [Float]) -> [UInt16] {
    values.map { UInt16(truncatingIfNeeded: $0.bitPattern >> 16) }
  }

  static func widened(_ bits: [UInt16], _ elementType: Int) -> [Float] {
    var result = [Float](repeating: 0, count: bits.count)
    unsafe loxeval_widen(bits, Int32(elementType), bits.count, &result)
    return result
  }

  struct Product: Sendable, CustomTestStringConvertible {
    let rows: Int
    let inputs: Int
    let outputs: Int
    var testDescription: String { "\(rows) x \(inputs) x \(outputs)" }
  }

  static let products = [
    (1, 1, 1), (1, 16, 3), (2, 17, 5), (7, 33, 49), (8, 64, 96), (9, 100, 50), (16, 576, 192),
    (33, 24, 100), (130, 40, 60),
  ].map { Product(rows: $0.0, inputs: $0.1, outputs: $0.2) }

  @Test(arguments: products, [Int(LOXEVAL_FLOAT32), Int(LOXEVAL_FLOAT16), Int(LOXEVAL_BFLOAT16)])
  func productAgreesWithDoublePrecision(product: Product, elementType: Int) {
    let x = Self.random(product.rows * product.inputs, seed: 1)
    var weights = Self.random(product.inputs * product.outputs, seed: 2)
    // Patterns with the high byte of a small number are ordinary numbers in both half formats.
    let halves = Self.bfloat16(weights).map { $0 & 0xBFFF }
    if elementType != Int(LOXEVAL_FLOAT32) { weights = Self.widened(halves, elementType) }
    var y = [Float](repeating: 7, count: product.rows * product.outputs)
    var scratch = [Float](repeating: 0, count: loxeval_project_scratch(product.inputs))
    for accumulate in [Int32(0), 1] {
      unsafe weights.withUnsafeBytes { weightBytes in
        unsafe halves.withUnsafeBytes { halfBytes in
          let bytes = unsafe elementType == Int(LOXEVAL_FLOAT32) ? weightBytes : halfBytes
          unsafe loxeval_project(
            x, product.inputs, product.rows, bytes.baseAddress, Int32(elementType), product.inputs,
            0, product.outputs, &y, product.outputs, accumulate, &scratch)
        }
      }
      for row in 0..<product.rows {
        for output in 0..<product.outputs {
          let terms = (0..<product.inputs).map {
            Double(x[row * product.inputs + $0]) * Double(weights[output * product.inputs + $0])
          }
          let expected = terms.reduce(0, +) * Double(accumulate + 1)
          let size = terms.reduce(0) { $0 + abs($1) }
          #expect(abs(Double(y[row * product.outputs + output]) - expected) <= 1e-6 * (size + 1e-6))
        }
      }
    }
  }

  /// The promise that the server rests on: a row's result does not depend on its neighbours.
  @Test func aRowsProductDoesNotDependOnItsNeighbours() {
    let (inputs, outputs, most) = (576, 100, 140)
    let x = Self.random(most * inputs, seed: 3)
    let weights = Self.bfloat16(Self.random(inputs * outputs, seed: 4))
    var scratch = [Float](repeating: 0, count: loxeval_project_scratch(inputs))
    var alone = [Float](repeating: 0, count: most * outputs)
    for row in 0..<most {
      unsafe x.withUnsafeBufferPointer { x in
        unsafe alone.withUnsafeMutableBufferPointer { alone in
          unsafe loxeval_project(
            x.baseAddress! + row * inputs, inputs, 1, weights, Int32(LOXEVAL_BFLOAT16), inputs, 0,
            outputs, alone.baseAddress! + row * outputs, outputs, 0, &scratch)
        }
      }
    }
    for rows in [2, 3, 8, 9, 16, 31, 128, 129, 140] {
      var together = [Float](repeating: 0, count: rows * outputs)
      // Cut in two, as between threads.
      for (begin, end) in [(0, 37), (37, outputs)] {
        unsafe loxeval_project(
          x, inputs, rows, weights, Int32(LOXEVAL_BFLOAT16), inputs, begin, end, &together,
          outputs, 0, &scratch)
      }
      #expect(together == Array(alone[0..<rows * outputs]), "\(rows) rows")
    }
  }

  @Test func float16WidensEveryPattern() {
    let patterns = (0...UInt16.max).map { $0 }
    let widened = Self.widened(patterns, Int(LOXEVAL_FLOAT16))
    for pattern in patterns {
      let expected = Float(Float16(bitPattern: pattern))
      let found = widened[Int(pattern)]
      #expect(expected.isNaN ? found.isNaN : found.bitPattern == expected.bitPattern)
    }
  }

  @Test(arguments: [1, 15, 16, 17, 63, 64, 65, 200])
  func attentionAgreesWithDoublePrecision(length: Int) {
    let dimension = 64
    let stride = (length + 15) / 16 * 16
    let query = Self.random(dimension, seed: 5)
    let keys = Self.random(dimension * stride, seed: 6)
    let values = Self.random(length * dimension, seed: 7)
    var scores = [Float](repeating: 0, count: stride + 64)
    var out = [Float](repeating: 0, count: dimension)
    unsafe loxeval_attend(query, keys, stride, values, length, dimension, 0.125, 0, &scores, &out)
    let raw = (0..<length).map { t in
      (0..<dimension).reduce(0.0) { $0 + Double(query[$1]) * Double(keys[$1 * stride + t]) } * 0.125
    }
    let weights = raw.map { exp($0 - raw.max()!) }
    let total = weights.reduce(0, +)
    for d in 0..<dimension {
      let expected = (0..<length).reduce(0.0) {
        $0 + weights[$1] / total * Double(values[$1 * dimension + d])
      }
      #expect(abs(Double(out[d]) - expected) < 1e-6)
    }
  }

  @Test func siluAgreesWithDoublePrecision() {
    let gates = (-1_000...1_000).map { Float($0) * 0.1 }
    var found = gates
    unsafe loxeval_silu_multiply(&found, [Float](repeating: 2, count: gates.count), gates.count)
    for (gate, value) in zip(gates, found) {
      let expected = 2 * Double(gate) / (1 + exp(-Double(gate)))
      #expect(abs(Double(value) - expected) <= 4e-7 * abs(expected) + 1e-30)
    }
  }

  @Test func argmaxTakesTheFirstOfEquals() {
    for count in [1, 5, 16, 40] {
      var values = [Float](repeating: -3, count: count)
      values[count / 2] = 4
      values[count - 1] = 4
      #expect(unsafe loxeval_argmax(values, count) == count / 2)
    }
  }

  @Test func logSumExpIsStable() {
    let values = Self.random(1_000, seed: 8).map { $0 * 20 + 500 }
    let best = Double(values.max()!)
    let expected = best + log(values.reduce(0.0) { $0 + exp(Double($1) - best) })
    #expect(abs(Double(unsafe loxeval_log_sum_exp(values, values.count)) - expected) < 1e-4)
  }
}
