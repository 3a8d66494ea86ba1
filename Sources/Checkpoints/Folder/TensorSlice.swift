/// One matrix of a tensor of three dimensions, such as the weight of one expert of many that are stored
/// together.
///
/// It is named `TENSOR[INDEX]`, and every reader of a checkpoint takes such a name for a matrix of its own:
/// what an update changes, what is decomposed, what a decoder multiplies by.
package struct TensorSlice: Hashable, Sendable {
  /// The checkpoint's name of the whole tensor.
  package let tensor: String
  /// Counted from 0 along the first dimension.
  package let index: Int

  package init(of tensor: String, _ index: Int) {
    self.tensor = tensor
    self.index = index
  }

  /// nil where the name is that of a whole tensor.
  package init?(parsing name: String) {
    guard name.hasSuffix("]"), let bracket = name.lastIndex(of: "["),
      let index = Int(name[name.index(after: bracket)..<name.index(before: name.endIndex)]),
      index >= 0
    else { return nil }
    self.init(of: String(name[..<bracket]), index)
    guard self.name == name else { return nil }
  }

  package var name: String { "\(tensor)[\(index)]" }

  /// The names of all slices of a tensor.
  package static func names(of tensor: TensorDescription) -> [String] {
    (0..<(tensor.shape.first ?? 0)).map { TensorSlice(of: tensor.name, $0).name }
  }
}

extension TensorDescription {
  /// Whether it holds the matrices of experts, one for each.
  package var holdsExperts: Bool { shape.count == 3 && name.contains("experts.") }

  /// One of its matrices; nil where it has none of that index, or is not of three dimensions.
  func slice(_ index: Int) -> TensorDescription? {
    guard shape.count == 3, index < shape[0] else { return nil }
    let size = byteRange.count / shape[0]
    let start = byteRange.lowerBound + index * size
    return TensorDescription(
      name: TensorSlice(of: name, index).name, dtype: dtype, shape: Array(shape.dropFirst()),
      byteRange: start..<start + size)
  }
}
