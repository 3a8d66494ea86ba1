package import Support

/// Further variables of a chat template, such as `enable_thinking`, by their names.
package struct TemplateArguments: Equatable, Sendable {
  package private(set) var values: [String: JSONNode] = [:]

  /// What every conversation gives a template itself, or what no template is given.
  private static let reserved: [String: String] = [
    "messages": "the conversation is given as such",
    "tools": "this program's conversations call none",
    "add_generation_prompt": "a request says it in a field of its own",
    "continue_final_message": "a request says it in a field of its own",
    "chat_template": "a template is chosen with --template FILE, not by a variable of its own",
  ]

  package init() {}

  /// - Throws: `ChatFormatError.argument` where a template could not be given a variable of that name, or
  ///   has one already.
  package mutating func add(_ name: String, _ value: JSONNode) throws(ChatFormatError) {
    if let reason = Self.reserved[name] { throw .argument(name: name, reason: reason) }
    guard Self.isIdentifier(name) else {
      throw .argument(
        name: name,
        reason: "variables are named with letters, digits and underscores, no digit first")
    }
    if let key = value.duplicateKey {
      throw .argument(name: name, reason: "its value has \(key.debugDescription) twice")
    }
    guard values.updateValue(value, forKey: name) == nil else {
      throw .argument(name: name, reason: "it is given twice")
    }
  }

  /// As on the command line: `enable_thinking=false`, the value in JSON.
  package mutating func add(assignment text: String) throws(ChatFormatError) {
    guard let sign = text.firstIndex(of: "=") else {
      throw .argument(name: text, reason: "expected NAME=VALUE, such as enable_thinking=false")
    }
    let name = String(text[..<sign])
    let value = String(text[text.index(after: sign)...])
    let node: JSONNode
    do throws(JSONNode.SyntaxError) {
      node = try JSONNode(parsing: Array(value.utf8))
    } catch {
      throw .argument(
        name: name,
        reason: "its value is read as JSON, such as false, 3 or \"low\" with its quotes, and "
          + "\(value.debugDescription.prefix(100)) is none")
    }
    try add(name, node)
  }

  /// These, and where a name stands in both the other's value.
  package func overridden(by others: TemplateArguments) -> TemplateArguments {
    var result = self
    result.values.merge(others.values) { $1 }
    return result
  }

  package var isEmpty: Bool { values.isEmpty }

  /// As JSON, sorted by name: equal arguments are equal texts.
  package var node: JSONNode {
    .object(of: values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
  }

  private static func isIdentifier(_ name: String) -> Bool {
    guard let first = name.unicodeScalars.first, first == "_" || first.properties.isXIDStart else {
      return false
    }
    return name.unicodeScalars.allSatisfy(\.properties.isXIDContinue)
  }
}
