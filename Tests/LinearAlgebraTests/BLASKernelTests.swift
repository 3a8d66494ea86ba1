import Foundation
import Testing

@testable import LinearAlgebra

@Suite struct BLASKernelTests {
  @Test(
    arguments: [
      ("Prescott", "avx512", "SkylakeX"), ("prescott", "avx2", "Haswell"),
      ("Barcelona", "avx2", "Haswell"), ("Prescott", "generic", nil), ("SkylakeX", "avx512", nil),
      ("Haswell", "avx512", nil), ("Zen", "avx2", nil), ("neoversen1", "generic", nil),
    ] as [(String, String, String?)])
  func onlyFallbacksAreReplaced(chosen: String, instructions: String, better: String?) {
    #expect(BLAS.betterKernels(than: chosen, with: instructions) == better)
  }
}
