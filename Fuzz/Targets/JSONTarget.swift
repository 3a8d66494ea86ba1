import Support

/// What parses is written as JSON that parses to the same value, compact and indented.
struct JSONTarget: FuzzTarget {
  static let name = "json"

  func run(_ bytes: [UInt8]) {
    let node: JSONNode
    do throws(JSONNode.SyntaxError) {
      node = try JSONNode(parsing: bytes)
    } catch {
      check((0...bytes.count).contains(error.offset), "the error's offset lies in the text")
      return
    }
    for text in [node.serialized, node.indented()] {
      check((try? JSONNode(parsing: Array(text.utf8))) == node, "written again it reads the same")
    }
    check(node.excerpt.count <= 80, "an excerpt is short")
    _ = (node.kind, node.integer, node.double, node.duplicateKey)
  }
}
