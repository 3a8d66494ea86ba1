package import Inference
import ModelAccess

extension ServerProbe {
  /// The name of a model that the server serves.
  ///
  /// Lists are not to be taken at their word: some servers have none, list what they have loaded so far,
  /// or add a tag. A name that is not listed is served where a reply names it.
  ///
  /// - Parameter wanted: nil takes the first that is listed.
  package func model(named wanted: String?) async throws -> String {
    let (names, _, found) = try await modelList()
    guard let listed = names else {
      if let wanted { return wanted }
      throw StudyError.modelUnnamed(server: endpoint.name, found: found)
    }
    guard let wanted else {
      if let first = listed.first { return first }
      throw StudyError.modelUnnamed(server: endpoint.name, found: "an empty one")
    }
    if listed.isEmpty || listed.contains(where: { Self.isSame($0, wanted) }) { return wanted }
    guard let said = try await answeringModel(to: wanted), Self.isSame(said, wanted) else {
      throw StudyError.servedModelDiffers(expected: wanted, found: listed)
    }
    return wanted
  }

  /// Shows that the server is of the kind of another.
  ///
  /// - Parameters:
  ///   - model: the name that it must serve; nil where requests carry none.
  ///   - build: what the other says it is; empty where it says nothing.
  /// - Throws: `StudyError.servedModelDiffers` where it is not.
  package func require(model: String?, build: String) async throws {
    if let model { _ = try await self.model(named: model) }
    let found = await self.build() ?? ""
    guard found == build else {
      throw StudyError.servedModelDiffers(
        expected: "build \(build.isEmpty ? "unnamed" : build) at every endpoint",
        found: ["\(found.isEmpty ? "an unnamed one" : found) at \(endpoint)"])
    }
  }

  /// Whether two names are one model's: as it is, or with a tag, a revision, a date or a provider.
  static func isSame(_ found: String, _ wanted: String) -> Bool {
    let (found, wanted) = (found.lowercased(), wanted.lowercased())
    if found == wanted { return true }
    let longer = found.hasPrefix(wanted) ? found.dropFirst(wanted.count) : ""
    if longer == ":latest" || longer.hasPrefix("@") || longer.hasPrefix("-20") { return true }
    return found.hasSuffix("/" + wanted) || wanted.hasSuffix("/" + found)
  }
}
