/// How conversations are written where it is otherwise than a model's own template does by itself: what
/// of it decides the replies, for a run's plan.
package struct TemplateSettings: Codable, Hashable, Sendable {
  /// The digest of the template that stands in the place of the model's own.
  package var file: String?
  /// Further variables of the template: a JSON object's text, names sorted.
  package var arguments: String?
  /// The day that the template is told, such as `2025-01-31`.
  package var date: String?

  package init(file: String? = nil, arguments: String? = nil, date: String? = nil) {
    self.file = file
    self.arguments = arguments
    self.date = date
  }
}
