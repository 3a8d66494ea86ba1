public import Chat
public import Scoring

/// One question of a prompt set.
public struct Prompt: Codable, Hashable, Sendable {
  public var id: String
  public var category: String
  public var prompt: String
  public var system: String?
  /// The expected answer, for sets that have one.
  public var reference: String?

  public init(
    id: String, category: String, prompt: String, system: String? = nil, reference: String? = nil
  ) {
    self.id = id
    self.category = category
    self.prompt = prompt
    self.system = system
    self.reference = reference
  }

  /// The conversation that is sent.
  public var messages: [ChatMessage] {
    (system.map { [ChatMessage(role: .system, content: $0)] } ?? [])
      + [ChatMessage(role: .user, content: prompt)]
  }
}

/// Prompts of one kind, with where they came from.
public struct PromptSet: Sendable {
  /// What a refusal means here.
  public typealias Kind = PromptKind

  /// The file's name without its extension: the `dataset` column.
  public var name: String
  public var kind: Kind
  public var prompts: [Prompt]
  /// SHA-256 of the file.
  public var digest: String

  public init(name: String, kind: Kind, prompts: [Prompt], digest: String) {
    self.name = name
    self.kind = kind
    self.prompts = prompts
    self.digest = digest
  }

  /// The judges of this set's replies, the one that gives the verdict first.
  func judges(_ panel: JudgePanel) -> [any Judge] {
    panel.judges(of: kind, references: prompts.map(\.reference))
  }
}
