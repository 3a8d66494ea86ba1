import Support

/// What can be wrong with a pair of models or with what is asked of it.
package enum LoXError: Error, Equatable, CustomStringConvertible {
  case missingFromBase(name: String, folder: String)
  case missingFromAligned(name: String, folder: String)
  case shapeMismatch(name: String, base: [Int], aligned: [Int])
  case tooManyDimensions(name: String, shape: [Int])
  case notNumeric(name: String, elementType: String)
  case noTargets(targets: String)
  case noChange(base: String, aligned: String)
  case decomposition(name: String, reason: String)
  case invalidRank(String)
  case tooManyRanks(Int)
  case invalidTargets(String)

  package var description: String {
    switch self {
    case .missingFromBase(let name, let folder):
      "tensor \(name): the aligned model has it, \(folder) does not; are the two models a pair? "
        + "(--targets can leave tensors out)"
    case .missingFromAligned(let name, let folder):
      "tensor \(name): the base model has it, \(folder) does not; are the two models a pair?"
    case .shapeMismatch(let name, let base, let aligned):
      "tensor \(name): expected the same shape in both models, found \(base) in the base and "
        + "\(aligned) in the aligned model; only the number of tokens may differ (--targets can leave "
        + "tensors out)"
    case .tooManyDimensions(let name, let shape):
      "tensor \(name): expected two dimensions, or three of experts' matrices, found shape \(shape); "
        + "leave it out with --targets REGEX"
    case .notNumeric(let name, let elementType):
      "tensor \(name): expected F32, F16 or BF16, found \(elementType)"
    case .noTargets(let targets):
      "no tensor of two dimensions matches --targets \(targets); see `loxeval spectrum` for names"
    case .noChange(let base, let aligned):
      "expected two different models, found the same weights in \(base) and \(aligned): the alignment "
        + "changed no target; check --base, --aligned and --targets"
    case .decomposition(let name, let reason):
      "tensor \(name): \(reason)"
    case .invalidRank(let found):
      "expected a rank to be \(Rank.range.phrase), full, auto or auto:SHARE (as 0.9 or 90%), found "
        + found
    case .tooManyRanks(let found):
      "expected at most \(Rank.mostOfList) ranks, found \(found)"
    case .invalidTargets(let found):
      "expected --targets to be all, linear or a regular expression, found \(found)"
    }
  }
}
