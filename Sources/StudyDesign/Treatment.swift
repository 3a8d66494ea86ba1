import Support

/// What is done to a model so that it stays safe: a defence with its parameters at one strength.
///
/// The model that nothing was done to is a treatment too, `none`; every other one is compared with it.
package struct Treatment: Codable, Hashable, Sendable {
  /// Which defence. The set is open: each defence brings its own value.
  package struct Method: RawRepresentable, Codable, Hashable, Sendable, ExpressibleByStringLiteral {
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }
    package init(stringLiteral value: String) { rawValue = value }

    package static let none = Method(rawValue: "none")
    /// Low-rank extrapolation of the alignment.
    package static let lox = Method(rawValue: "lox")
    /// The alignment's leading directions alone, on the base model.
    package static let projection = Method(rawValue: "projection")

    /// Changes of LoX's norm in other directions: what LoX is compared with, never chosen.
    package static let controls: [Method] = ["random", "tail", "full", "other-layer", "negative"]

    /// What their strength is called where they are asked for and in `parameters`.
    package var strengthName: String { self == "task-vector" ? "gamma" : "alpha" }

    package var isControl: Bool { Self.controls.contains(self) }
  }

  /// Whether the defence is there before someone fine-tunes the model, or repairs it afterwards.
  package enum Stage: String, Codable, Hashable, Sendable, CaseIterable {
    case beforeAttack = "before"
    case afterAttack = "after"
  }

  /// A defence at any strength: what a curve over strengths is of.
  package struct Arm: Codable, Hashable, Sendable {
    package var method: Method
    /// Such as `rank`.
    package var parameters: [String: Setting]
    package var stage: Stage

    package init(
      method: Method, parameters: [String: Setting] = [:], stage: Stage = .beforeAttack
    ) {
      self.method = method
      self.parameters = parameters
      self.stage = stage
    }

    /// At a strength of 0 every defence leaves the model as it is: that is `none`, whatever the
    /// method, so that it is measured once.
    package func treatment(at strength: Double) -> Treatment {
      strength == 0 ? .none : Treatment(arm: self, strength: strength)
    }
  }

  package let arm: Arm
  /// How much of it: the x axis, α for LoX. 0 for `none` alone.
  package let strength: Double

  package static let none = Treatment(arm: Arm(method: .none), strength: 0)

  private init(arm: Arm, strength: Double) {
    self.arm = arm
    self.strength = strength
  }

  package var isNone: Bool { self == .none }
  package var method: Method { arm.method }
  package var parameters: [String: Setting] { arm.parameters }
  package var stage: Stage { arm.stage }

  private enum CodingKeys: String, CodingKey {
    case method, parameters, strength, stage
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    arm = Arm(
      method: try container.decode(Method.self, forKey: .method),
      parameters: try container.decode([String: Setting].self, forKey: .parameters),
      stage: try container.decode(Stage.self, forKey: .stage))
    strength = try container.decode(Double.self, forKey: .strength)
    guard (strength == 0) == (arm == Treatment.none.arm) else {
      throw DecodingError.dataCorruptedError(
        forKey: .strength, in: container,
        debugDescription: "expected a strength of 0 for the method none and for no other, found "
          + "\(strength) for \(arm.method.rawValue)")
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(method, forKey: .method)
    try container.encode(parameters, forKey: .parameters)
    try container.encode(strength, forKey: .strength)
    try container.encode(stage, forKey: .stage)
  }
}

extension Treatment {
  /// A short text for names of files and models, for people: `a0`, `r6-a1.25`, `expo-a0.5`. Two
  /// treatments may share it.
  package var slug: String {
    if isNone { return "a0" }
    let values = parameters.sorted { $0.key < $1.key }.map { name, value in
      "\(name.prefix(1))\(value.text)"
    }
    // A rank and a strength have always said LoX.
    let isPlain = parameters["rank"] != nil && parameters.count == 1
    return ((isPlain ? [] : [method.rawValue]) + values + ["a\(Number.text(strength))"])
      .joined(separator: "-")
  }
}
