package import Foundation

extension URL {
  /// What a model's folder is called: its last component, and of a snapshot in the cache of a hub the
  /// repository's name, since the folder's is a commit.
  package var modelName: String {
    repository?.split(separator: "/").last.map(String.init) ?? lastPathComponent
  }

  /// The same in full: `organisation/name` where it is known.
  package var fullModelName: String { repository ?? lastPathComponent }

  /// What a folder may be called, the shortest first: its last component, then with ever more of those before
  /// it; of a snapshot the repository's name before those.
  package var labels: [String] {
    let components = absoluteURL.standardizedFileURL.pathComponents.filter { $0 != "/" }
    let own = components.indices.reversed().map { components[$0...].joined(separator: "/") }
    guard let repository else { return own }
    let short = String(lastPathComponent.prefix(12))
    return [modelName, repository, "\(repository)@\(short)"] + own
  }

  /// `organisation/name` of a folder `models--organisation--name/snapshots/COMMIT`.
  private var repository: String? {
    let components = absoluteURL.standardizedFileURL.pathComponents.suffix(3)
    guard components.count == 3, let folder = components.first, folder.hasPrefix("models--"),
      components.dropFirst().first == "snapshots"
    else { return nil }
    let name = String(folder.dropFirst("models--".count)).replacing("--", with: "/")
    return name.isEmpty ? nil : name
  }
}
