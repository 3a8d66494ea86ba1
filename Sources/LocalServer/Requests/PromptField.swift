import Support

/// A prompt of a plain completion: a text or, as some harnesses send it, its tokens.
enum PromptField: Sendable {
  case text(String)
  case tokens([Int])

  /// Reads `prompt`: a string, a list of token ids, or a list of either.
  static func read(_ fields: FieldReader) throws(APIError) -> [PromptField] {
    let expected = "a string, a list of token ids, or a list of strings or of such lists"
    guard let node = fields["prompt"] else { throw fields.missing("prompt", expected) }
    if let text = node.text { return [.text(text)] }
    guard let elements = node.elements else { throw fields.mismatch("prompt", expected, node) }
    switch elements.first {
    case .string: return try each(elements, "a string, as the first is") { $0.text.map(Self.text) }
    case .array:
      return try each(elements, "a list of token ids, as the first is") { node in
        node.elements.flatMap(ids).map(Self.tokens)
      }
    case .number, nil:
      var tokens: [Int] = []
      tokens.reserveCapacity(elements.count)
      for (index, element) in elements.enumerated() {
        guard let id = element.wholeNumber else {
          throw fields.mismatch("prompt[\(index)]", "a token id", element)
        }
        tokens.append(id)
      }
      return [.tokens(tokens)]
    case .some(let first): throw fields.mismatch("prompt[0]", "a string, token id or list", first)
    }
  }

  private static func ids(_ nodes: [JSONNode]) -> [Int]? {
    let ids = nodes.compactMap { $0.wholeNumber }
    return ids.count == nodes.count ? ids : nil
  }

  private static func each(
    _ elements: [JSONNode], _ expected: String, _ read: (JSONNode) -> PromptField?
  ) throws(APIError) -> [PromptField] {
    var result: [PromptField] = []
    for (index, element) in elements.enumerated() {
      guard let prompt = read(element) else {
        throw .invalid(
          "expected prompt[\(index)] to be \(expected), found \(FieldReader.found(element))",
          param: "prompt[\(index)]")
      }
      result.append(prompt)
    }
    return result
  }
}
