package import ModelAccess
import StudyDesign
import Support

/// What decides whether two runs may be compared: all but the weights, the seed and the machine.
package struct ComparisonBasis: Codable, Hashable, Sendable {
  /// The model's architecture and size; nil for endpoints, which do not tell.
  package var family: String?
  /// The models' names, which stand for the family where that is not known.
  package var models: [String]
  package var temperature: Double
  package var topP: Double
  package var maxTokens: Int
  /// Of thoughts, apart from those; nil where both share the limit.
  package var maxReasoningTokens: Int?
  /// How conversations are written, where a format was chosen by name, and what else of it was chosen: a
  /// model that is told otherwise, such as not to think, is another one.
  package var chatFormat: String?
  package var template: TemplateSettings?
  /// How often each prompt is asked.
  package var samples: Int
  /// The judges' configurations by their names.
  package var judges: [String: String]
  /// How the attacks are made, by their names, where there is anything to say: in words, which do not say all.
  package var attacks: [String: String]
  /// What decides that, by their names; nil in files of earlier releases.
  package var recipes: [String: Recipe]?

  /// Digests of what decides an attack beside the model.
  package struct Recipe: Codable, Hashable, Sendable {
    /// Of all of it, a seed too.
    package var recipe: String
    /// Of all but the seed; nil where nothing is random or nobody knows.
    package var training: String?

    /// Whether an attack is the same but for its seed; nil where an earlier release did not write enough to tell.
    func isSame(as other: Recipe) -> Bool? {
      if recipe == other.recipe { return true }
      switch (training, other.training) {
      case (let mine?, let theirs?): return mine == theirs
      case (nil, nil): return false
      default: return nil
      }
    }
  }

  enum CodingKeys: String, CodingKey {
    case family, models, temperature, samples, judges, attacks, recipes, template
    case chatFormat = "chat_format"
    case topP = "top_p"
    case maxTokens = "max_tokens"
    case maxReasoningTokens = "max_reasoning_tokens"
  }

  package init(_ plan: RunManifest.Plan) {
    family = plan.family
    models = Set(plan.cells.map(\.model)).sorted()
    temperature = plan.decoding.temperature
    topP = plan.decoding.topP
    maxTokens = plan.decoding.maxTokens
    maxReasoningTokens = plan.decoding.maxReasoningTokens
    chatFormat = plan.chatFormat
    template = plan.template
    samples = plan.samples
    judges = plan.judges
    attacks = plan.remarks
    let made = plan.cells.map(\.attack).filter { !$0.isNone && !$0.recipe.isEmpty }
    recipes = Dictionary(
      made.map { ($0.label, Recipe(recipe: $0.recipe, training: $0.training)) },
      uniquingKeysWith: { first, _ in first })
  }

  /// What is not said and would have to be, in words: what nobody knows is not equal.
  package var gaps: [String] {
    var found: [String] = []
    if family == nil, models.allSatisfy(\.isEmpty) { found.append("which model was measured") }
    if judges.isEmpty { found.append("who judged") }
    return found
  }

  /// The fields in which another run differs, each with both values; of judges and attacks only those
  /// that both have.
  package func differences(from other: ComparisonBasis) -> [String] {
    var found: [String] = []
    func compare(_ field: String, _ there: String, _ here: String) {
      if there != here { found.append("\(field) is \(there) there and \(here) here") }
    }
    if let mine = family, let theirs = other.family {
      compare("model family", theirs, mine)
    } else {
      compare(
        "model", other.models.joined(separator: ", "), models.joined(separator: ", "))
    }
    compare("temperature", Number.text(other.temperature), Number.text(temperature))
    compare("top-p", Number.text(other.topP), Number.text(topP))
    compare("max-tokens", "\(other.maxTokens)", "\(maxTokens)")
    func budget(_ tokens: Int?) -> String { tokens.map { "\($0)" } ?? "none" }
    compare(
      "max-reasoning-tokens", budget(other.maxReasoningTokens), budget(maxReasoningTokens))
    func chosen(_ value: String?) -> String { value ?? "the model's own" }
    compare("chat-format", chosen(other.chatFormat), chosen(chatFormat))
    compare("template", chosen(other.template?.file), chosen(template?.file))
    func given(_ value: String?) -> String { value ?? "none" }
    compare(
      "template-arg", given(other.template?.arguments), given(template?.arguments))
    compare("template-date", given(other.template?.date), given(template?.date))
    compare("samples a prompt", "\(other.samples)", "\(samples)")
    for (name, configuration) in judges.sorted(by: { $0.key < $1.key }) {
      if let theirs = other.judges[name] { compare("judge \(name)", theirs, configuration) }
    }
    return found + attackDifferences(from: other)
  }

  /// The attacks of one name that another run makes otherwise.
  package func attackDifferences(from other: ComparisonBasis) -> [String] {
    Set(attacks.keys).union(recipes.map { Array($0.keys) } ?? []).sorted().compactMap { name in
      let (mine, theirs) = (recipes?[name], other.recipes?[name])
      let isSame = mine.flatMap { mine in theirs.flatMap(mine.isSame) }
      if isSame == true { return nil }
      if let here = attacks[name], let there = other.attacks[name], here != there {
        return "attack \(name) is \(there) there and \(here) here"
      }
      // Words may leave out what makes the difference.
      guard isSame == false, let mine, let theirs else { return nil }
      return "attack \(name) is of a recipe with the digest \(theirs.recipe) there and of one with "
        + "\(mine.recipe) here"
    }
  }
}
