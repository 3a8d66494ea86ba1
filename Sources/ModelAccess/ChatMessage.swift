/// One turn of a conversation.
package struct ChatMessage: Codable, Hashable, Sendable {
  /// Who speaks.
  package enum Role: String, Codable, Hashable, Sendable, CaseIterable {
    case system, user, assistant
  }

  package var role: Role
  package var content: String

  package init(role: Role, content: String) {
    self.role = role
    self.content = content
  }
}
