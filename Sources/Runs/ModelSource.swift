/// Where a model of a run came from that was named as the hub names it.
package struct ModelSource: Codable, Hashable, Sendable {
  /// What it was named for: `base`, `aligned`, `model`, `adapter`, `attack`.
  package var role: String
  /// `organisation/name`.
  package var repository: String
  /// As it was asked for: a branch, a tag or a commit.
  package var revision: String
  /// What that was when the run was begun: forty hexadecimal digits.
  package var commit: String

  package init(role: String, repository: String, revision: String, commit: String) {
    self.role = role
    self.repository = repository
    self.revision = revision
    self.commit = commit
  }
}
