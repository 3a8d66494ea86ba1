import Support
import Testing

@testable import LinearAlgebra

@Suite struct MatrixProductsTests {
  private static func random(_ count: Int, seed: UInt64) -> FloatBuffer {
    var generator = SplitMix64(seed: seed)
    return FloatBuffer((0..<count).map { _ in Float(generator.nextUnit() * 2 - 1) })
  }

  /// To bfloat16: to nearest, halves to even.
  private static func rounded(_ value: Float) -> Double {
    let bits = value.bitPattern
    return Double(Float(bitPattern: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) & 0xFFFF_0000))
  }

  struct Shape: Sendable, CustomTestStringConvertible {
    let rows, columns, inner: Int
    var testDescription: String { "\(rows) × \(columns), \(inner)" }
  }

  /// Both sides either way round; the larger ones are divided among threads.
  @Test(
    arguments: [
      Shape(rows: 1, columns: 1, inner: 1), Shape(rows: 5, columns: 33, inner: 40),
      Shape(rows: 130, columns: 47, inner: 96), Shape(rows: 40, columns: 200, inner: 131),
    ], Arithmetic.allCases)
  func productsAgreeWithDoublePrecision(shape: Shape, arithmetic: Arithmetic) {
    let pool = WorkerPool(threadCount: 3)
    defer { pool.shutDown() }
    let products = MatrixProducts(pool, arithmetic: arithmetic)
    let (m, n, k) = (shape.rows, shape.columns, shape.inner)
    let (a, b) = (Self.random(m * k, seed: 1), Self.random(k * n, seed: 2))
    func read(_ value: Float) -> Double {
      arithmetic == .bfloat16 ? Self.rounded(value) : Double(value)
    }
    for kind in 0..<8 {
      let (turnsA, turnsB, accumulates) = (kind & 1 != 0, kind & 2 != 0, kind & 4 != 0)
      let target = FloatBuffer([Float](repeating: 0.25, count: m * n))
      unsafe products.multiply(
        rows: m, columns: n, inner: k, scale: 0.5,
        MatrixView(a.start, stride: turnsA ? m : k, isTransposed: turnsA),
        MatrixView(b.start, stride: turnsB ? k : n, isTransposed: turnsB), into: target.start,
        stride: n, accumulates: accumulates)
      var worst = 0.0
      for row in 0..<m {
        for column in 0..<n {
          var sum = accumulates ? 0.25 : 0
          for i in 0..<k {
            let x = unsafe a.start[turnsA ? i * m + row : row * k + i]
            let y = unsafe b.start[turnsB ? column * k + i : i * n + column]
            sum += 0.5 * read(x) * read(y)
          }
          let difference = unsafe abs(Double(target.start[row * n + column]) - sum)
          worst = difference <= worst ? worst : difference
        }
      }
      #expect(worst < 1e-5, "kind \(kind)")
    }
  }

  /// Steps far below the distance of two bfloat16 numbers are seen by a dithered product, and by none to nearest.
  @Test func ditheredProductsSeeSmallSteps() {
    let pool = WorkerPool(threadCount: 2)
    defer { pool.shutDown() }
    let (m, n, k) = (3, 64, 256)
    let x = FloatBuffer([Float](repeating: 1, count: m * k))
    // Numbers of bfloat16, a tenth of the way to the next.
    let b = FloatBuffer([Float](repeating: 1 + 0.1 / 128, count: n * k))
    func mean(_ dither: UInt16?, _ arithmetic: Arithmetic = .bfloat16, isTransposed: Bool) -> Float
    {
      let target = FloatBuffer(count: m * n)
      unsafe MatrixProducts(pool, arithmetic: arithmetic).multiply(
        rows: m, columns: n, inner: k, MatrixView(x.start, stride: k),
        MatrixView(b.start, stride: isTransposed ? k : n, isTransposed: isTransposed),
        dither: dither, into: target.start, stride: n)
      return (0..<m * n).reduce(0) { unsafe $0 + target.start[$1] } / Float(m * n * k)
    }
    for isTransposed in [false, true] {
      #expect(mean(nil, isTransposed: isTransposed) == 1)
      #expect(abs(mean(7, .float32, isTransposed: isTransposed) - 1 - 0.1 / 128) < 1e-5)
      for dither in stride(from: UInt16(0), to: 65_000, by: 9_000) {
        let step = mean(dither, isTransposed: isTransposed) - 1
        #expect(abs(step * 128 - 0.1) < 0.01, "\(step)")
      }
    }
  }
}
