package import Foundation
package import Support

/// A JSON value with the file and the path it came from, so that every misfit can say where it is.
package struct ConfigurationNode {
  package var file: String
  package var path: String
  package var value: JSONNode

  /// Reads `name` in `folder`; nil where it does not exist and is not required.
  package static func read(
    _ name: String, in folder: URL, required: Bool
  ) throws(TokenizerError) -> ConfigurationNode? {
    let url = folder.appending(path: name)
    let file: InputFile
    do throws(InputFile.Fault) {
      file = try InputFile(url, .vocabulary)
    } catch {
      if !required, error.isMissing { return nil }
      throw .unreadableFile(
        file: url.path, reason: error.isMissing ? "no such file" : error.reason)
    }
    do throws(JSONNode.SyntaxError) {
      return ConfigurationNode(
        file: url.path, path: "the top level", value: try JSONNode(parsing: [UInt8](file.body)))
    } catch {
      throw .notJSON(file: url.path, offset: error.offset, reason: error.reason)
    }
  }

  /// The member `key`, or nil where it is absent or null. The last of repeated keys counts.
  package subscript(key: String) -> ConfigurationNode? {
    guard case .object(let members) = value,
      let member = members.last(where: { $0.key.utf8.elementsEqual(key.utf8) })
    else { return nil }
    if case .null = member.value { return nil }
    return ConfigurationNode(file: file, path: child(key), value: member.value)
  }

  package func required(_ key: String, _ expected: String) throws(TokenizerError)
    -> ConfigurationNode
  {
    guard let node = self[key] else {
      throw .unexpectedValue(file: file, path: child(key), expected: expected, found: "nothing")
    }
    return node
  }

  package func members() throws(TokenizerError) -> [JSONNode.Member] {
    guard case .object(let members) = value else { throw mismatch("an object") }
    return members
  }

  package func elements() throws(TokenizerError) -> [ConfigurationNode] {
    guard case .array(let elements) = value else { throw mismatch("an array") }
    return elements.enumerated().map { index, element in
      ConfigurationNode(file: file, path: "\(path)[\(index)]", value: element)
    }
  }

  package func string() throws(TokenizerError) -> String {
    guard case .string(let text) = value else { throw mismatch("a string") }
    return text
  }

  package func integer() throws(TokenizerError) -> Int {
    guard let integer = value.integer else { throw mismatch("an integer") }
    return integer
  }

  package func boolean() throws(TokenizerError) -> Bool {
    guard case .boolean(let flag) = value else { throw mismatch("true or false") }
    return flag
  }

  package func boolean(_ key: String, default fallback: Bool) throws(TokenizerError) -> Bool {
    guard let node = self[key] else { return fallback }
    return try node.boolean()
  }

  package func mismatch(_ expected: String) -> TokenizerError {
    .unexpectedValue(file: file, path: path, expected: expected, found: value.kind)
  }

  package func unsupported(_ component: String, supported: String) -> TokenizerError {
    .unsupported(file: file, path: path, component: component, supported: supported)
  }

  private func child(_ key: String) -> String {
    path == "the top level" ? key : "\(path).\(key)"
  }
}
