/// Which attack a model went through: what tells it from every other attack of a study.
package struct AttackID: Codable, Hashable, Sendable {
  /// How a fine-tuning came about: the `attack_method` column.
  package struct Method: RawRepresentable, Codable, Hashable, Sendable {
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }

    package static let none = Method(rawValue: "none")
    package static let synthetic = Method(rawValue: "synthetic")
    package static let imported = Method(rawValue: "imported")
    package static let lora = Method(rawValue: "lora")
    package static let full = Method(rawValue: "full")
    package static let command = Method(rawValue: "command")

    /// Methods that change weights by a formula, without a training that would come out otherwise another
    /// time.
    private static let computed: Set<String> = ["none", "synthetic", "undo", "abliteration"]

    package var isTraining: Bool { !Self.computed.contains(rawValue) }
  }

  /// As people call it: the `attack` column. Unique within a study, and `none` for no attack alone.
  package var label: String
  package var method: Method
  /// Digest of all that decides it beside the attacked model; empty where a file of schema 1 does not
  /// say.
  package var recipe: String
  package var seed: UInt64?
  /// The training step at which it was taken; nil for its end.
  package var step: Int?
  /// Digest of the recipe but for its seed: attacks with equal ones are trainings of one kind, which differ
  /// by chance alone. nil where nothing is random or nobody knows, and in files of earlier releases.
  package var training: String?
  /// The search that it is a trial of; nil where it stands for itself.
  package var search: Search?
  /// Of a landscape: how far along which part of it. nil where it is taken whole, as it was made.
  package var direction: Direction?

  /// The part of an attack's update that is orthogonal to a defence's, at a scale.
  package struct Direction: Codable, Hashable, Sendable {
    /// t: 1 goes as far as the attack itself.
    package var scale: Double
    /// The defence whose direction is taken out.
    package var orthogonalTo: Treatment.Arm

    enum CodingKeys: String, CodingKey {
      case scale
      case orthogonalTo = "orthogonal_to"
    }

    package init(scale: Double, orthogonalTo: Treatment.Arm) {
      self.scale = scale
      self.orthogonalTo = orthogonalTo
    }
  }

  /// An attacker's search for the worst of several trainings.
  package struct Search: Codable, Hashable, Sendable {
    /// As people call it; unique within a study.
    package var name: String
    /// Gradient steps of the trial.
    package var steps: Int

    package init(name: String, steps: Int) {
      self.name = name
      self.steps = steps
    }
  }

  package init(
    label: String, method: Method, recipe: String, seed: UInt64? = nil, step: Int? = nil,
    training: String? = nil, search: Search? = nil, direction: Direction? = nil
  ) {
    self.label = label
    self.method = method
    self.recipe = recipe
    self.seed = seed
    self.step = step
    self.training = training
    self.search = search
    self.direction = direction
  }

  /// The model as it is before anyone fine-tunes it.
  package static let none = AttackID(label: "none", method: .none, recipe: "")

  package var isNone: Bool { method == .none }

  /// Whether someone trained it: then another training, with another seed, would come out otherwise.
  package var isTrained: Bool { method.isTraining }
}

/// What is done to the prompt.
package struct PromptAttack: Codable, Hashable, Sendable {
  /// The set is open: each prompt attack brings its own value.
  package struct Method: RawRepresentable, Codable, Hashable, Sendable {
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }

    package static let none = Method(rawValue: "none")
    /// An open turn of the model's, which it goes on from.
    package static let prefill = Method(rawValue: "prefill")
    /// The request within another text.
    package static let template = Method(rawValue: "template")
  }

  // What a prefill's parameters are called.
  package static let prefillText = "text"
  package static let judged = "judged"
  package static let wholeTurn = "turn"
  package static let replyAlone = "reply"

  package var method: Method
  package var parameters: [String: Setting]

  package init(method: Method, parameters: [String: Setting] = [:]) {
    self.method = method
    self.parameters = parameters
  }

  /// Prompts as the set has them.
  package static let none = PromptAttack(method: .none)

  package var isNone: Bool { self == .none }

  /// Whether the conversation ends with an open turn of the model's.
  package var isContinued: Bool { method == .prefill }

  /// What judges read before the reply: the beginning of the turn, where it counts.
  package var judgedPrefix: String {
    guard parameters[Self.judged] == .text(Self.wholeTurn) else { return "" }
    return parameters[Self.prefillText]?.text ?? ""
  }

  /// What an attack on weights and one on prompts are called together.
  package static func label(attack: String, promptAttack: String) -> String {
    if promptAttack == none.text { return attack }
    let title = title(of: promptAttack)
    return attack == AttackID.none.label ? title : "\(attack), \(title)"
  }

  /// For the `prompt_attack` column.
  package var text: String {
    ([method.rawValue] + (parameters.isEmpty ? [] : [parameters.text])).joined(separator: " ")
  }

  /// As people call it: a template by its name, a prefill by its words. A study takes no two of one title.
  package var title: String { Self.title(of: text) }

  /// - Parameter text: as it stands in the `prompt_attack` column, which is all that a summary keeps.
  package static func title(of text: String) -> String {
    if let template = text.wholeMatch(of: /template digest=[0-9a-f]+ name=(.+)/) {
      return "template \(template.1)"
    }
    if let prefill = text.wholeMatch(of: /prefill judged=(turn|reply) text=((?s:.+))/) {
      return "prefill “\(prefill.2)”" + (prefill.1 == Self.wholeTurn ? ", judged too" : "")
    }
    return text
  }
}
