/// One turn of a conversation.
public struct ChatMessage: Codable, Hashable, Sendable {
  /// Who speaks.
  public enum Role: String, Codable, Hashable, Sendable, CaseIterable {
    case system, user, assistant
  }

  public var role: Role
  public var content: String

  public init(role: Role, content: String) {
    self.role = role
    self.content = content
  }
}
