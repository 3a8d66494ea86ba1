package import Foundation
package import Support

/// A chat template, read and ready to be rendered.
///
/// The language is that of Jinja 3.1 as chat templates are rendered with it: in a sandbox that lets
/// nothing be changed but namespaces, with `trim_blocks` and `lstrip_blocks`, `break` and `continue`,
/// `{% generation %}`, `raise_exception`, `strftime_now` and a plain `tojson`.
package struct Template: Sendable {
  private let root: Body
  private let hidden: [Set<String>]
  /// The names that are read somewhere: variables, functions, and what the template sets itself.
  package let namesRead: Set<String>
  /// Whether it says in `{% generation %}` blocks what the model itself writes.
  package let hasGeneration: Bool

  /// - Throws: `TemplateError` of kind `syntax` with the place and what was expected there.
  package init(_ source: String) throws(TemplateError) {
    let parsed = try Parser.parse(source)
    (root, hidden) = (parsed.root, parsed.hidden)
    (namesRead, hasGeneration) = (parsed.namesRead, parsed.hasGeneration)
  }

  /// What the template makes of its variables.
  ///
  /// - Parameters:
  ///   - variables: By name; texts among them say whose they are.
  ///   - now: What `strftime_now` tells.
  ///   - timeZone: Where it tells it.
  /// - Throws: `TemplateError`: of kind `raised` with the template's own words, of kind `limit` where
  ///   it takes too much, else with what was expected and found.
  package func render(
    _ variables: [String: Variable], now: Date = Date(), timeZone: TimeZone = .current,
    limits: Limits = Limits()
  ) throws(TemplateError) -> Rendering {
    do {
      let interpreter = try Interpreter(
        hidden: hidden,
        variables: variables.mapValues {
          try Value($0)
        }, now: now, timeZone: timeZone, limits: limits)
      defer { interpreter.finish() }
      try interpreter.run(root)
      return Rendering(interpreter.output)
    } catch let error as TemplateError {
      throw error
    } catch {
      throw TemplateError(.operation, "\(error)")
    }
  }
}

/// What a template is given under a name, and who wrote the texts in it.
package struct Variable: Sendable {
  package var value: JSONNode
  package var origin: Origin
  /// Of objects in it the members that hold the template's words for all that: a message's `role`, which
  /// templates make special tokens of (`'<|' + role + '|>'`). Only for words out of a fixed list.
  package var ownKeys: Set<String>
  /// Whether the elements of a list are told apart: a text of the third one is then `.element(2)`.
  package var tellsElementsApart: Bool

  package init(
    _ value: JSONNode, _ origin: Origin = .data, ownKeys: Set<String> = [],
    tellsElementsApart: Bool = false
  ) {
    self.value = value
    self.origin = origin
    self.ownKeys = ownKeys
    self.tellsElementsApart = tellsElementsApart
  }
}

/// A rendered conversation, in pieces by who wrote them.
package struct Rendering: Sendable {
  package struct Piece: Hashable, Sendable {
    package var text: String
    package var origin: Origin
    /// Whether the piece stands in a `{% generation %}` block: what the model itself writes.
    package var isGenerated: Bool

    package init(_ text: String, _ origin: Origin, isGenerated: Bool = false) {
      self.text = text
      self.origin = origin
      self.isGenerated = isGenerated
    }
  }

  /// Neighbours differ in origin or in being generated; none is empty.
  package let pieces: [Piece]

  init(_ text: Text) {
    var start = 0
    pieces = text.runs.map { run in
      defer { start = run.end }
      return Piece(
        text[start..<run.end].string, run.mark.origin, isGenerated: run.mark.isGenerated)
    }
  }

  package var text: String { pieces.map(\.text).joined() }
}
