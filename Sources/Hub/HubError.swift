/// Why a model's name led to no folder.
package enum HubError: Error, Equatable, CustomStringConvertible {
  /// `HF_ENDPOINT` is no address.
  case endpoint(String)
  case token(source: String, reason: String)
  /// The name is neither a path nor, for a reason, a model on the hub.
  case notFound(text: String, reason: String)
  /// The hub has it and it is of no use.
  case unusable(repository: String, reason: String)
  /// A file of it could not be had.
  case file(repository: String, path: String, reason: String)
  case cache(path: String, reason: String)
  case space(path: String, needed: Int, free: Int)

  package var description: String {
    switch self {
    case .endpoint(let found):
      "HF_ENDPOINT: expected an http or https URL, found \(found)"
    case .token(let source, let reason):
      "the hub's token of \(source) cannot be used: \(reason)"
    case .notFound(let text, let reason):
      "expected a folder or a model's name on the hub, found \(text): there is no such path here, and as a "
        + "name, \(reason)"
    case .unusable(let repository, let reason):
      "\(repository): \(reason)"
    case .file(let repository, let path, let reason):
      "\(repository): \(path) could not be fetched: \(reason)"
    case .cache(let path, let reason):
      "\(path): \(reason); HF_HUB_CACHE or HF_HOME names another place for the hub's cache"
    case .space(let path, let needed, let free):
      "\(path): \(ByteText.text(needed)) are to be fetched, and \(ByteText.text(free)) are free there; make "
        + "room, or name another place in HF_HUB_CACHE or HF_HOME"
    }
  }
}

/// Numbers of bytes for people.
enum ByteText {
  static func text(_ count: Int) -> String {
    for (unit, size) in [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)]
    where count >= size {
      let tenths = count / (size / 10)
      return "\(tenths / 10).\(tenths % 10) \(unit)"
    }
    return "\(count) bytes"
  }
}
