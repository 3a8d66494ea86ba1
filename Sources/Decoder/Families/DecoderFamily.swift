/// A family of decoders: how its `config.json` becomes a shape.
///
/// To add one, write a file beside this one and add it to `all`.
package struct DecoderFamily: Sendable {
  /// The `model_type`s that are read so.
  package let modelTypes: [String]
  let shape: @Sendable (ModelConfiguration) throws(DecoderError) -> DecoderShape

  /// Every family that the decoder computes.
  package static let all: [DecoderFamily] = [
    .llama, .mistral, .mixtral, .qwen2, .qwen3, .qwen3MoE, .gemma, .gemma2, .gemma3, .phi3, .olmo2,
    .olmo3, .smolLM3, .granite,
  ]

  /// The shape of the model that a `config.json` describes.
  ///
  /// - Throws: `DecoderError` where the family is unknown, or a setting is out of range or of a
  ///   kind that the family does not read.
  package static func shape(
    of configuration: ModelConfiguration
  ) throws(DecoderError) -> DecoderShape {
    let key = CommonSettings.Key.modelType.rawValue
    let type = try configuration.text(key)
    func family(_ type: String?) -> DecoderFamily? {
      all.first { family in type.map(family.modelTypes.contains) ?? false }
    }
    if let family = family(type) { return try family.shape(configuration) }
    // Of a model that also sees, its text is read.
    if let text = try configuration.textPart(), let family = family(try text.text(key)) {
      return try family.shape(text)
    }
    throw .unsupportedArchitecture(file: configuration.file, found: type ?? "none")
  }
}
