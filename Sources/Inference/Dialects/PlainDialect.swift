package import ModelAccess

/// Servers that cannot take updates: each model of a study has an endpoint, or a model name, of its
/// own. Without such a list only the served model itself can be asked.
package struct PlainDialect: ServerDialect {
  /// Where one variant is served.
  package struct Route: Hashable, Sendable {
    /// Indices of the client's endpoints.
    package var endpoints: [Int]
    /// The model's name there; nil for the client's own.
    package var model: String?

    package init(endpoints: [Int], model: String?) {
      self.endpoints = endpoints
      self.model = model
    }
  }

  package let name = "plain"
  private let routes: [[ScaledUpdate]: Route]?

  /// - Parameter routes: by variant; nil where there is one model, without updates.
  package init(routes: [[ScaledUpdate]: Route]? = nil) { self.routes = routes }

  package func fields(for variant: [ScaledUpdate]) throws(ChatFailure) -> DialectFields {
    var fields = DialectFields()
    guard let routes else {
      guard variant.isEmpty else {
        throw .fatal(
          "variant-unsupported",
          "this server takes no updates, and the study asks for \(variant.label); choose another "
            + "--dialect, or name a server for each model with --cells")
      }
      return fields
    }
    guard let route = routes[variant] else {
      throw .fatal(
        "variant-unsupported", "the file of --cells names no server for \(variant.label)")
    }
    fields.endpoints = route.endpoints
    fields.model = route.model
    return fields
  }
}
