import CKernels

/// In which numbers a model's products are computed. Sums, norms, softmax and attention are always
/// float32, and so are the weights that a training changes.
package enum Arithmetic: String, Codable, CaseIterable, Sendable {
  case float32
  /// Both sides of every product with a weight are rounded to bfloat16, as PyTorch's autocast does.
  ///
  /// Faster where the processor multiplies them (AMX, AVX512-BF16); elsewhere the rounded numbers are
  /// multiplied in float32.
  case bfloat16

  /// What tells builds apart whose results differ: the instructions, and the numbers where they are not
  /// float32.
  package var build: String { self == .float32 ? instructions : "\(rawValue)-\(instructions)" }

  /// What the environment's `LOXEVAL_INSTRUCTIONS` may name, the least first: nothing better is used then.
  package static var instructionSets: [String] {
    var names: [String] = []
    while let name = unsafe loxeval_instruction_set_name(Int32(names.count)) {
      names.append(unsafe String(cString: name))
    }
    return names
  }

  /// The instructions that products are computed with on this processor: `amx`, `avx2`, …
  package var instructions: String {
    switch self {
    case .float32: unsafe String(cString: loxeval_instruction_set())
    case .bfloat16: unsafe String(cString: loxeval_bfloat16_instruction_set())
    }
  }
}
