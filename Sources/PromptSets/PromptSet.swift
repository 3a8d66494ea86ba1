package import ModelAccess

/// One question of a prompt set.
package struct Prompt: Codable, Hashable, Sendable {
  package var id: String
  package var category: String
  package var prompt: String
  package var system: String?
  /// The expected answer, for sets that have one.
  package var reference: String?

  package init(
    id: String, category: String, prompt: String, system: String? = nil, reference: String? = nil
  ) {
    self.id = id
    self.category = category
    self.prompt = prompt
    self.system = system
    self.reference = reference
  }

  /// The conversation that is sent.
  package var messages: [ChatMessage] {
    (system.map { [ChatMessage(role: .system, content: $0)] } ?? [])
      + [ChatMessage(role: .user, content: prompt)]
  }
}

/// Prompts of one kind, with where they came from.
package struct PromptSet: Sendable {
  /// What a refusal means here.
  package typealias Kind = PromptKind

  /// The file's name without its extension: the `dataset` column.
  package var name: String
  package var kind: Kind
  package var prompts: [Prompt]
  /// SHA-256 of the file.
  package var digest: String

  package init(name: String, kind: Kind, prompts: [Prompt], digest: String) {
    self.name = name
    self.kind = kind
    self.prompts = prompts
    self.digest = digest
  }
}
