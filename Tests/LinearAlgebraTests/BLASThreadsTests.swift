import Foundation
import Testing

@testable import LinearAlgebra

@Suite struct BLASThreadsTests {
  /// Large enough that OpenBLAS would divide it, on several threads at once.
  @Test func productsStayOnTheirThreads() {
    let side = 300
    let matrix = Matrix<Double>(
      rows: side, columns: side, elements: (0..<side * side).map { Double($0 % 7) })
    let expected = matrix.multiplied(by: matrix)
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      #expect(matrix.multiplied(by: matrix) == expected)
    }
    #expect(BLAS.threadCount == 1)
  }
}
