import Foundation

/// Which tensors of a model the method changes.
package enum Targets: Hashable, Sendable, CustomStringConvertible {
  /// Every tensor of two dimensions, embeddings and output head included: how the published
  /// results were made.
  case all
  /// The linear layers of the blocks: embeddings and head are left alone.
  case linear
  /// Tensors whose name a regular expression matches somewhere.
  case matching(String)

  /// - Parameter text: `all`, `linear` or a regular expression.
  package init(parsing text: String) throws(LoXError) {
    switch text {
    case "all": self = .all
    case "linear": self = .linear
    default:
      guard !text.isEmpty, (try? NSRegularExpression(pattern: text)) != nil else {
        throw .invalidTargets(text)
      }
      self = .matching(text)
    }
  }

  package var description: String {
    switch self {
    case .all: "all"
    case .linear: "linear"
    case .matching(let pattern): pattern
    }
  }

  /// Whether a tensor of two or more dimensions is meant.
  package func includes(_ name: String) -> Bool {
    switch self {
    case .all: true
    case .linear: !["embed", "lm_head", "wte", "wpe"].contains { name.contains($0) }
    case .matching(let pattern): name.range(of: pattern, options: .regularExpression) != nil
    }
  }
}
