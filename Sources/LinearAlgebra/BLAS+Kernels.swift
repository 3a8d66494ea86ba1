import CKernels
import COpenBLAS
import Foundation

extension BLAS {
  /// OpenBLAS's variable that names the processor whose kernels it takes.
  package static let kernelVariable = "OPENBLAS_CORETYPE"

  /// Whose kernels this process should take instead of those that OpenBLAS chose; nil where it chose well, or
  /// where `OPENBLAS_CORETYPE` is set.
  ///
  /// A release of OpenBLAS knows the processors of its day. For a younger one it falls back to kernels that any
  /// processor has run for twenty years, and computes several times slower than it could.
  package static var betterKernels: String? {
    guard unsafe getenv(kernelVariable) == nil else { return nil }
    return unsafe betterKernels(
      than: String(cString: openblas_get_corename()),
      with: String(cString: loxeval_instruction_set()))
  }

  /// - Parameters:
  ///   - chosen: as OpenBLAS names them.
  ///   - instructions: as the processor has them: `avx512`, `avx2`, `generic`.
  static func betterKernels(than chosen: String, with instructions: String) -> String? {
    guard fallbacks.contains(chosen.lowercased()) else { return nil }
    return switch instructions {
    case "avx512": "SkylakeX"
    case "avx2": "Haswell"
    default: nil
    }
  }

  /// Kernels without AVX.
  private static let fallbacks: Set = [
    "generic", "katmai", "coppermine", "northwood", "prescott", "banias", "atom", "core2", "penryn",
    "dunnington", "nehalem", "athlon", "opteron", "opteron_sse3", "barcelona", "bobcat", "nano",
  ]
}
