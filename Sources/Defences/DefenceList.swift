package import LoX

/// The defences of a study, as `--defence` spells them.
package struct DefenceList {
  /// What defences take from the command line where the list does not say it.
  package struct Defaults {
    package var ranks: [Rank]
    package var strengths: [Double]

    package init(ranks: [Rank], strengths: [Double]) {
      self.ranks = ranks
      self.strengths = strengths
    }
  }

  /// A kind of defence: its name, what it says of itself, and how it is made.
  package struct Kind: Sendable {
    package let name: String
    package let summary: String
    let make: @Sendable (_ settings: [String: String], Defaults) throws -> [any Defence]
  }

  /// Every defence that `--defence` knows: a line each.
  package static let kinds: [Kind] = [
    Kind(name: "lox", summary: "A + α Proj_k(ΔW); lox:rank=6", make: LoXDefence.make)
  ]

  /// Parses a list such as `lox:rank=6,lox:rank=12`.
  ///
  /// - Throws: `DefenceError`.
  package static func parse(_ text: String, _ defaults: Defaults) throws -> [any Defence] {
    var defences: [any Defence] = []
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
      let parts = item.split(separator: ":").map(String.init)
      guard let kind = kinds.first(where: { $0.name == parts.first }) else {
        throw DefenceError.unknown(String(item))
      }
      var settings: [String: String] = [:]
      for part in parts.dropFirst() {
        let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
        guard pair.count == 2, settings.updateValue(pair[1], forKey: pair[0]) == nil else {
          throw DefenceError.setting(defence: kind.name, found: part)
        }
      }
      for defence in try kind.make(settings, defaults) {
        guard !defences.contains(where: { $0.arm == defence.arm }) else {
          throw DefenceError.duplicate(defence.label)
        }
        defences.append(defence)
      }
    }
    return defences
  }
}

/// What can be wrong with how defences are asked for.
package enum DefenceError: Error, Equatable, CustomStringConvertible {
  case unknown(String)
  case setting(defence: String, found: String)
  case duplicate(String)

  package var description: String {
    switch self {
    case .unknown(let found):
      "expected a list of "
        + DefenceList.kinds.map { "\($0.name) (\($0.summary))" }.joined(separator: ", ")
        + "; found \"\(found)\""
    case .setting(let defence, let found):
      "\(defence): expected settings as NAME=VALUE that it has, each once, found \"\(found)\""
    case .duplicate(let label):
      "expected each defence once, found \(label) again"
    }
  }
}
