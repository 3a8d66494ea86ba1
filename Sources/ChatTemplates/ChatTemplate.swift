import Foundation

/// The texts a Jinja chat template writes, without running it: enough to tell which family it is
/// of, and to read that family's variable parts (default system prompt, spaces, dates) from it.
struct ChatTemplate: Sendable {
  /// What a template writes at one place.
  enum Piece: Hashable, Sendable {
    case literal(String)
    /// The model's own `bos_token` or `eos_token`.
    case beginning, end
    /// Anything computed, such as `message['content']`, and whether it is trimmed.
    case computed(String, isTrimmed: Bool)

    /// Whether this is what a message says.
    var isContent: Bool {
      guard case .computed(let source, _) = self else { return false }
      return source.contains("content") && !source.contains("raise_exception")
    }

    /// Whether this is a message's text, or a system message kept in a variable.
    var isMessage: Bool {
      guard case .computed(let source, _) = self else { return false }
      return isContent || source.contains("system_message")
    }

    var isTrimmed: Bool {
      guard case .computed(_, let isTrimmed) = self else { return false }
      return isTrimmed
    }
  }

  /// What is written between two statements.
  struct Run: Sendable {
    /// The statement just before, such as `if loop.first and system_message is defined`.
    var condition: String
    /// The blocks it stands in, outermost first, each with the conditions before it.
    var enclosing: [String]
    var pieces: [Piece]

    /// Whether it may concern what conversations here never hold: tools, images, reasoning.
    var concernsOtherContent: Bool {
      enclosing.contains { block in
        ["tool", "image", "iterable", "reasoning", "macro"].contains(where: block.contains)
      }
    }
  }

  /// `set name = …`.
  struct Assignment: Sendable {
    var condition: String
    var name: String
    var pieces: [Piece]
  }

  let file: String
  let source: String
  let tokens: SequenceTokens
  let runs: [Run]
  let assignments: [Assignment]

  init(file: String, source: String, tokens: SequenceTokens) {
    self.file = file
    self.source = source
    self.tokens = tokens
    var reader = ChatTemplateReader(source)
    reader.read()
    runs = reader.runs
    assignments = reader.assignments
  }

  /// Stands for a computed piece in a shape.
  static let gap = "\u{1}"

  /// Pieces as one text: literals and the model's tokens as they are, a `gap` for each computed one.
  func shape(of pieces: [Piece]) -> String {
    pieces.map { piece in
      switch piece {
      case .literal(let text): text
      case .beginning: tokens.beginning
      case .end: tokens.end
      case .computed: Self.gap
      }
    }.joined()
  }

  /// The shapes of all that is written or assigned.
  var shapes: [String] {
    runs.map { shape(of: $0.pieces) } + assignments.map { shape(of: $0.pieces) }
  }

  /// The pieces of the first run or assignment that satisfies a condition.
  func pieces(where condition: ([Piece]) -> Bool) -> [Piece]? {
    runs.first { condition($0.pieces) }?.pieces
      ?? assignments.first { condition($0.pieces) }?.pieces
  }

  /// The template's beginning-of-sequence token, or nothing where it writes none.
  var beginning: String {
    let all = runs.flatMap(\.pieces) + assignments.flatMap(\.pieces)
    return all.contains(.beginning) ? tokens.beginning : ""
  }

  /// Whether message texts are trimmed.
  var trimsContent: Bool {
    (runs.flatMap(\.pieces) + assignments.flatMap(\.pieces)).contains {
      $0.isContent && $0.isTrimmed
    }
  }

  /// A system prompt that the template puts where a conversation has none: written out between
  /// `header` and `end`, or assigned to a variable that is named for it.
  func defaultSystem(header: String, end: String) -> String? {
    for run in runs {
      let shape = shape(of: run.pieces)
      guard let start = shape.range(of: header),
        let stop = shape.range(of: end, range: start.upperBound..<shape.endIndex)
      else { continue }
      let text = String(shape[start.upperBound..<stop.lowerBound])
      if !text.isEmpty, !text.contains(Self.gap) { return text }
    }
    return assignedSystem
  }

  /// Whether a condition compares something that nobody sets with true, as templates with an
  /// optional default do.
  private static func isOff(_ condition: String) -> Bool {
    guard let comparison = condition.range(of: " == true") else { return false }
    return !condition[..<comparison.lowerBound].hasSuffix("true")
  }

  /// A default system prompt that is assigned to `system_message` or a name like it.
  var assignedSystem: String? {
    for assignment in assignments
    where assignment.name.contains("system") && !Self.isOff(assignment.condition) {
      if case .literal(let text)? = assignment.pieces.first, assignment.pieces.count == 1,
        !text.isEmpty
      {
        return text
      }
    }
    return nil
  }

  /// Refuses a template that writes something a format does not explain. What concerns tools, images
  /// or reasoning is left aside, as are exceptions and the beginning-of-sequence token.
  func requireOnly(
    _ format: String, _ explains: (_ shape: String, _ run: Run) -> Bool
  ) throws(ChatFormatError) {
    for run in runs where !run.concernsOtherContent {
      let pieces = run.pieces.filter { piece in
        guard case .computed(let source, _) = piece else { return piece != .beginning }
        return !source.contains("raise_exception")
      }
      let shape = shape(of: run.pieces)
      guard pieces.isEmpty || explains(shape, run) else {
        let text = shape.replacing(Self.gap, with: "…")
        throw unsupported(format, "also writes \(text.debugDescription)")
      }
    }
  }

  func unsupported(_ format: String, _ reason: String) -> ChatFormatError {
    .unsupportedTemplate(file: file, format: format, reason: reason)
  }
}
