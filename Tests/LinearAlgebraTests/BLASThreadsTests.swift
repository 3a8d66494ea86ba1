import Foundation
import Testing

@testable import LinearAlgebra

@Suite struct BLASThreadsTests {
  /// A caller that ends must not set back the count under another that still computes.
  @Test func overlappingCallersKeepOneThread() {
    let (firstIsIn, secondIsIn, firstIsOut) = (
      DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)
    )
    Thread.detachNewThread {
      BLAS.withOneThread {
        firstIsIn.signal()
        secondIsIn.wait()
      }
      firstIsOut.signal()
    }
    firstIsIn.wait()
    BLAS.withOneThread {
      secondIsIn.signal()
      firstIsOut.wait()
      #expect(BLAS.threadCount == 1)
    }
  }
}
