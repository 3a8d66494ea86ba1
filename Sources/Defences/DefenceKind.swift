package import LoX
import StudyDesign
import Support

/// A kind of defence that `--defence` knows. Each defence's file declares its own.
package struct DefenceKind: Sendable {
  /// Before the attack, and LoX's controls.
  package static let preventions = [
    LoXDefence.kind, ExPODefence.kind, LSSF.preventionKind, RandomControl.kind, TailControl.kind,
    FullRankControl.kind, OtherLayerControl.kind, NegativeControl.kind,
  ]
  /// After it.
  package static let repairs = [
    TaskVectorRepair.kind, WiSEFTRepair.kind, SafeLoRARepair.kind, SafeMERGERepair.kind,
    LSSF.repairKind,
  ]
  /// Every defence that `--defence` knows: a line each.
  package static let all = preventions + repairs

  /// The controls that `--controls` adds to a study of LoX.
  package static let controls = Treatment.Method.controls.map(\.rawValue)

  /// What defences take from the command line where an item does not say it.
  package struct Defaults {
    package var ranks: [Rank]
    package var strengths: [Double]

    package init(ranks: [Rank], strengths: [Double]) {
      self.ranks = ranks
      self.strengths = strengths
    }
  }

  package let name: String
  /// Its formula and settings, for the help text.
  package let summary: String
  let make: @Sendable (_ settings: inout DefenceSettings, Defaults) throws -> [any Defence]

  init(
    _ name: String, summary: String,
    make: @escaping @Sendable (inout DefenceSettings, Defaults) throws -> [any Defence]
  ) {
    self.name = name
    self.summary = summary
    self.make = make
  }

  /// How the help text lists some of them: a line each.
  package static func lines(_ kinds: [DefenceKind]) -> String {
    kinds.map { "\n- \($0.name): \($0.summary)" }.joined()
  }

  /// How error messages list some of them.
  package static func help(_ kinds: [DefenceKind]) -> String {
    kinds.map { "\($0.name) (\($0.summary))" }.joined(separator: ", ")
  }

  /// A list and, where they are wanted, the controls of each LoX in it, at its rank and strengths.
  package static func parse(
    _ text: String, with addsControls: Bool, _ defaults: Defaults
  ) throws -> [any Defence] {
    var defences = try parse(text, defaults)
    guard addsControls else { return defences }
    for case let lox as LoXDefence in defences {
      let own = Defaults(ranks: [lox.rank], strengths: lox.strengths)
      for name in controls where lox.rank.isNumber || name != "tail" {
        for control in try parse(name, own)
        where !defences.contains(where: { $0.arm == control.arm }) {
          defences.append(control)
        }
      }
    }
    return defences
  }

  /// Parses a list such as `lox:rank=6,expo:alpha=0.3,expo:alpha=0.5,study/defence.json`: items of one
  /// defence with the same parameters are its strengths.
  ///
  /// - Throws: `DefenceError`; `LoXError` of ranks.
  package static func parse(
    _ text: String, _ defaults: Defaults, among kinds: [DefenceKind] = all
  ) throws -> [any Defence] {
    var defences: [any Defence] = []
    for item in PathList.items(of: text, prefixes: []) {
      var settings = try DefenceSettings(item)
      guard let kind = kinds.first(where: { $0.name == settings.defence }) else {
        throw DefenceError.unknown(item, among: help(kinds))
      }
      let made = try kind.make(&settings, defaults)
      try settings.requireAllTaken()
      for defence in made {
        guard let place = defences.firstIndex(where: { $0.arm == defence.arm }) else {
          defences.append(defence)
          continue
        }
        let strengths = Set(defences[place].strengths)
        guard strengths.isDisjoint(with: defence.strengths) else {
          throw DefenceError.duplicate(defence.label)
        }
        defences[place].strengths = strengths.union(defence.strengths).sorted()
      }
    }
    return defences
  }
}

/// What can be wrong with how defences are asked for.
package enum DefenceError: Error, Equatable, CustomStringConvertible {
  case unknown(String, among: String)
  case setting(defence: String, name: String, expected: String, found: String)
  case unknownSetting(defence: String, found: String)
  case duplicate(String)
  case unreadableFile(path: String, reason: String)
  case needsAttack(defence: String)
  /// The tuned model has nothing that the repair could look at.
  case nothingToRepair(defence: String, reason: String)
  case needsDirections(defence: String, rank: String)

  package var description: String {
    switch self {
    case .unknown(let found, let kinds):
      "expected a list of \(kinds), or JSON files; found \"\(found)\""
    case .setting(let defence, let name, let expected, let found):
      "\(defence): expected \(name) to be \(expected), found \"\(found)\""
    case .unknownSetting(let defence, let found):
      "\(defence): expected settings as NAME=VALUE that it has, each once, found \"\(found)\""
    case .duplicate(let label):
      "expected each defence once, found \(label) again"
    case .unreadableFile(let path, let reason):
      "\(path): expected a defence as a JSON object with \"method\" and its settings; \(reason)"
    case .needsAttack(let defence):
      "\(defence) repairs a model after someone fine-tuned it; name an attack with --attack, or use "
        + "`loxeval repair`"
    case .nothingToRepair(let defence, let reason):
      "\(defence): \(reason)"
    case .needsDirections(let defence, let rank):
      "\(defence): expected a rank as a number, since it looks beyond the leading directions; found "
        + rank
    }
  }
}
